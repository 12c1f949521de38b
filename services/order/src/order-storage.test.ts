import { databaseMigrations } from "@tenon/database";
import { inboxMigrations, outboxMigrations } from "@tenon/events";
import { createMemoryDatabase, testDatabase, untroubledLife } from "@tenon/testing";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, onTestFinished, test } from "vitest";
import { createCatalogRepository } from "./catalog/catalog-repository.ts";
import type { Product } from "./catalog/product.ts";
import { createMemoryOrderQueue, createMemoryOrderRepository, type OrderTables } from "./memory-order-store.ts";
import type { Order } from "./order.ts";
import { createOrderRepository } from "./order-repository.ts";
import type { OrderRepository } from "./order-service.ts";
import type { Tables } from "./order-tables.ts";
import type { ClaimedOrder, OrderQueue } from "./saga/order-queue.ts";
import { createPostgresOrderQueue } from "./saga/postgres-order-queue.ts";

interface Storage {
  inTransaction<T>(work: (orders: OrderRepository) => Promise<T>): Promise<T>;
  queue(options?: { leaseMs?: number }): OrderQueue;
}

const now = () => new Date();
const ADMIN = { userId: "", isAdmin: true };
/** Is over when it begins, as that of a worker who was killed long ago. */
const LAPSED = { leaseMs: -1000 };

const money = (minor: bigint) => ({ currency: "EUR", minor });
const PRODUCT: Product = {
  ...{ id: uuidv7(), sku: "SAW-1", name: "Saw", price: money(500n), state: "ACTIVE", version: 1n },
  ...{ createdAt: now(), updatedAt: now() },
};

const STORAGES: Record<string, () => Promise<Storage>> = {
  async PostgreSQL() {
    const own = new URL("./migrations/", import.meta.url);
    const migrations = [databaseMigrations, outboxMigrations, inboxMigrations, own];
    const { db, close } = await testDatabase<Tables>({ migrations });
    onTestFinished(() => close());
    await createCatalogRepository(db).insert(PRODUCT);
    return {
      inTransaction: (work) => db.transaction().execute((tx) => work(createOrderRepository(tx))),
      queue: (options) => createPostgresOrderQueue({ db, now, newId: uuidv7, ...options }),
    };
  },
  async "a simulation's memory"() {
    const tables = { orders: new Map(), refunds: new Map(), events: new Map(), answers: new Map(), inbox: new Map() };
    const database = createMemoryDatabase<OrderTables>(tables);
    return {
      inTransaction: (work) =>
        database.atomically(untroubledLife, (tables) => work(createMemoryOrderRepository(tables, { now }))),
      queue: (options) => createMemoryOrderQueue(database, untroubledLife, { now, newId: uuidv7, ...options }),
    };
  },
};

function newOrder(): Order {
  const at = now();
  const { id: productId, sku, name, price } = PRODUCT;
  const item = { productId, sku, name, quantity: 1, unitPrice: price, amount: price };
  return {
    ...{ id: uuidv7(), userId: uuidv7(), items: [item], total: money(500n), refunded: money(0n), refunding: money(0n) },
    ...{ state: "PENDING", version: 1n, paymentId: undefined, failure: undefined, createdAt: at, updatedAt: at },
  };
}

for (const [name, open] of Object.entries(STORAGES)) {
  describe(`orders in ${name}`, () => {
    async function withOrder() {
      const storage = await open();
      const order = newOrder();
      await storage.inTransaction((orders) => orders.insert(order, "pm_ok"));
      const find = () => storage.inTransaction((orders) => orders.find(order.id, ADMIN));
      const move = (state: Order["state"]) =>
        storage.inTransaction(async (orders) => {
          const locked = (await orders.findAndLock(order.id, ADMIN)) as Order;
          return orders.move(locked, state, now());
        });
      const claim = async (options = {}) => (await storage.queue(options).claim(10))[0] as ClaimedOrder;
      const authorize = async (claimed: ClaimedOrder) => {
        const asked = (await storage.queue().markAsked(claimed)) as ClaimedOrder;
        return (await storage.queue().change(asked, { state: "AUTHORIZED", paymentId: uuidv7() })) as ClaimedOrder;
      };
      return { ...storage, order, find, move, claim, authorize };
    }

    test("an order is claimed by one worker at a time", async () => {
      const { claim, queue, order } = await withOrder();
      expect(await claim()).toMatchObject({ id: order.id, state: "PENDING", version: 1n, paymentAsked: false });
      expect(await queue().claim(10)).toEqual([]);
    });

    test("a claim whose lease ran out is another's, and the first can change nothing more", async () => {
      const { claim, queue, find } = await withOrder();
      const first = await claim(LAPSED);
      const second = await claim();
      expect(second.claim).not.toBe(first.claim);
      expect(await queue().change(first, { state: "FAILED" })).toBeUndefined();
      expect(await queue().markAsked(first)).toBeUndefined();
      expect(await queue().reload(first)).toBeUndefined();
      expect(await queue().markAsked(second)).toMatchObject({ paymentAsked: true, version: 1n });
      expect(await find()).toMatchObject({ state: "PENDING", version: 1n });
    });

    test("25: a claim or a delay of a clock far ahead binds nobody once it is right, and who holds the claim is known", async () => {
      const { claim, queue, find, order } = await withOrder();
      const ahead = await claim({ leaseMs: 3_600_000 });
      const second = await claim();
      expect(await queue().change(ahead, { state: "FAILED" })).toBeUndefined();
      await queue().postpone(second, 3_600_000);
      expect(await claim()).toMatchObject({ id: order.id, attempts: 1 });
      expect(await find()).toMatchObject({ state: "PENDING", version: 1n });
    });

    test("a change to a version that is not there any more is none", async () => {
      const { claim, queue, move, find } = await withOrder();
      const claimed = await claim();
      await move("CANCELLING");
      expect(await queue().change(claimed, { state: "AUTHORIZED", paymentId: uuidv7() })).toBeUndefined();
      expect(await queue().reload(claimed)).toMatchObject({ state: "CANCELLING", version: 2n });
      expect(await find()).toMatchObject({ state: "CANCELLING", paymentId: undefined });
    });

    test("an order that rests is claimed by nobody, and again once it is moved", async () => {
      const { claim, queue, move, authorize } = await withOrder();
      expect(await queue().change(await authorize(await claim()), { state: "CONFIRMED" })).toMatchObject({
        version: 3n,
      });
      expect(await queue().claim(10)).toEqual([]);
      await move("REFUNDING");
      expect(await claim()).toMatchObject({ state: "REFUNDING", version: 4n });
    });

    test("an order that is put off waits and counts, unless it was changed meanwhile", async () => {
      const { claim, queue, move } = await withOrder();
      await queue().postpone(await claim(), 0);
      const again = await claim();
      expect(again).toMatchObject({ attempts: 1 });
      await move("CANCELLING");
      await queue().postpone(again, 45_000);
      expect(await claim()).toMatchObject({ state: "CANCELLING", attempts: 0 });
    });

    test("an order that is put off is left alone until then, or until it is woken", async () => {
      const { claim, queue, inTransaction, order } = await withOrder();
      await queue().postpone(await claim(), 45_000);
      expect(await queue().claim(10)).toEqual([]);
      await inTransaction((orders) => orders.wake(order.id));
      expect(await claim()).toMatchObject({ attempts: 0 });
    });

    test("refunds of an order are asked for in their order, and each once", async () => {
      const { inTransaction, claim, queue, order, authorize } = await withOrder();
      await queue().change(await authorize(await claim()), { state: "CONFIRMED" });
      const refunds = [uuidv7(), uuidv7()].map((id, i) => ({ id, amountMinor: BigInt(i + 1) }));
      for (const refund of refunds) {
        await inTransaction(async (orders) => {
          const locked = (await orders.findAndLock(order.id, ADMIN)) as Order;
          return orders.refund(locked, refund, "CONFIRMED", now());
        });
      }
      let claimed: ClaimedOrder | undefined = await claim();
      expect(claimed).toMatchObject({ refunding: { minor: 3n } });
      for (const refund of refunds) {
        expect(await queue().nextRefund(claimed as ClaimedOrder)).toMatchObject(refund);
        claimed = await queue().change(claimed as ClaimedOrder, { state: "CONFIRMED", refund });
      }
      expect(claimed).toMatchObject({ refunding: { minor: 0n } });
      expect(await queue().nextRefund(claimed as ClaimedOrder)).toBeUndefined();
    });
  });
}
