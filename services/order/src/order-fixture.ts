import { testDatabase } from "@tenon/testing";
import { sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import { createCatalogRepository } from "./catalog/catalog-repository.ts";
import type { Order } from "./order.ts";
import { createOrderRepository } from "./order-repository.ts";
import { createOrderService, type OrderChanges } from "./order-service.ts";
import type { Tables } from "./order-tables.ts";
import { createOrderSaga, type OrderSaga } from "./saga/order-saga.ts";
import { createSimulatedPayments } from "./saga/payments-fixture.ts";
import { createPostgresOrderQueue } from "./saga/postgres-order-queue.ts";
import { orderMigrations } from "./server.ts";

const nobodyWatches: OrderChanges = {
  subscribe() {
    throw new Error("nobody watches in this test");
  },
};

/** For tests: orders on a real PostgreSQL, with payments and users that the test controls. */
export async function createOrderWorld() {
  const { db, url, close } = await testDatabase<Tables>({ migrations: orderMigrations });
  const now = () => new Date();
  const payments = createSimulatedPayments();
  const users = { active: true, isActive: async () => users.active };
  const products = createCatalogRepository(db);
  const orders = createOrderRepository(db);
  const queue = createPostgresOrderQueue({ db, now, newId: uuidv7 });
  const saga = createOrderSaga({ queue, payments, users });
  const user = { userId: uuidv7(), isAdmin: false };

  const productId = uuidv7();
  const price = { currency: "EUR", minor: 1999n };
  const instants = { createdAt: now(), updatedAt: now() };
  await products.insert({ id: productId, sku: "SAW-1", name: "Saw", price, state: "ACTIVE", version: 1n, ...instants });

  const serviceOn = (on: typeof db) =>
    createOrderService({
      orders: createOrderRepository(on),
      products: createCatalogRepository(on),
      changes: nobodyWatches,
      now,
      newId: uuidv7,
    });

  return {
    ...{ db, url, close, payments, users, products, orders, queue, saga, user, productId, serviceOn },

    place: (fields: { paymentMethod?: string } = {}): Promise<Order> => {
      const lines = [{ productId, quantity: 2 }];
      const order = { userId: user.userId, lines, paymentMethod: fields.paymentMethod ?? "pm_ok" };
      return db.transaction().execute((tx) => serviceOn(tx).createOrder(order));
    },

    cancel: (orderId: string): Promise<Order> =>
      db.transaction().execute((tx) => serviceOn(tx).cancelOrder(orderId, user)),

    refund: (orderId: string, minor: bigint): Promise<Order> => {
      const amount = { currency: "EUR", minor };
      return db.transaction().execute((tx) => serviceOn(tx).refundOrder(orderId, user, amount));
    },

    async read(orderId: string): Promise<Order> {
      const order = await orders.find(orderId, user);
      if (order === undefined) throw new Error("the order is gone");
      return order;
    },

    /** The holder of every claim is dead for so long that its lease has run out, and no delay is waited for. */
    async passLeases(): Promise<void> {
      await sql`update orders set lease_until = now() - interval '1 second' where lease_until is not null`.execute(db);
      await sql`update orders set next_attempt_at = now() where next_attempt_at is not null`.execute(db);
    },

    /** What a worker does, until nothing is due: every order that is claimed is driven to where it rests. */
    async work(drive: OrderSaga = saga): Promise<void> {
      const signal = AbortSignal.timeout(10_000);
      for (let claimed = await queue.claim(10); claimed.length > 0; claimed = await queue.claim(10)) {
        for (const order of claimed)
          for (let next = await drive(order, signal); next; ) next = await drive(next, signal);
      }
    },
  };
}
