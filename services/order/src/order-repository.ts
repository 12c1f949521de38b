import { readPage, sendWithNext } from "@tenon/database";
import { withEvent, writeWithEvent } from "@tenon/events";
import { currentTraceParent } from "@tenon/interceptors";
import { type ExpressionBuilder, type Kysely, type Selectable, sql } from "kysely";
import type { Order, OrderItem } from "./order.ts";
import { toOrderEvent } from "./order-events.ts";
import type { Caller, OrderRepository } from "./order-service.ts";
import { stepOf } from "./order-states.ts";
import type { OrderItemTable, OrderTable, Tables } from "./order-tables.ts";

/** Orders in PostgreSQL, on a pool or in a transaction. */
export function createOrderRepository(db: Kysely<Tables>): OrderRepository {
  const visible = (caller: Caller) =>
    db
      .selectFrom("orders")
      .selectAll()
      .where((where) => ownedBy(where, caller));

  /** Lines never change, so that reading them apart from their order shows nothing that never was. */
  async function withItems(rows: readonly Selectable<OrderTable>[]): Promise<Order[]> {
    if (rows.length === 0) return [];
    const items = await db
      .selectFrom("order_items")
      .selectAll()
      .where(sql<boolean>`order_id = any(${rows.map((row) => row.id)}::uuid[])`)
      .orderBy("position")
      .execute();
    const itemsByOrder = Map.groupBy(items, (item) => item.order_id);
    return rows.map((row) => toOrder(row, itemsByOrder.get(row.id) ?? []));
  }

  return {
    async insert(order, paymentMethod) {
      const insert = db
        .insertInto("orders")
        .values({
          id: order.id,
          user_id: order.userId,
          currency: order.total.currency,
          total_minor: order.total.minor,
          payment_method: paymentMethod,
          state: order.state,
          version: order.version,
          created_at: order.createdAt,
          updated_at: order.updatedAt,
          trace_parent: currentTraceParent() ?? null,
        })
        .returning("id");
      await sendWithNext(db, withEvent(db, insert, toOrderEvent(order)));
      await sendWithNext(db, insertItems(order).compile(db));
    },

    async find(orderId, caller) {
      const row = await visible(caller).where("id", "=", orderId).executeTakeFirst();
      return row && (await withItems([row]))[0];
    },

    async findAndLock(orderId, caller) {
      const row = await visible(caller).where("id", "=", orderId).forUpdate().executeTakeFirst();
      return row && (await withItems([row]))[0];
    },

    async lockOfUser(userId, states, limit) {
      const query = db.selectFrom("orders").selectAll().where("user_id", "=", userId).where("state", "in", states);
      return withItems(await query.orderBy("id").limit(limit).forUpdate().execute());
    },

    async list({ state }, caller, page) {
      const orders = state ? visible(caller).where("state", "=", state) : visible(caller);
      const { items, lastId } = await readPage(orders, page);
      return { items: await withItems(items), lastId };
    },

    async refund(order, refund, state, now) {
      await db
        .insertInto("order_refunds")
        .values({
          id: refund.id,
          order_id: order.id,
          amount_minor: refund.amountMinor,
          state: "PENDING",
          created_at: now,
        })
        .execute();
      const refunding = { ...order.refunding, minor: order.refunding.minor + refund.amountMinor };
      return this.move({ ...order, refunding }, state, now);
    },

    async move(order, state, now) {
      // Times of one order never run backwards, whatever clocks do.
      const updatedAt = new Date(Math.max(now.getTime(), order.updatedAt.getTime()));
      const moved = { ...order, state, version: order.version + 1n, updatedAt };
      // A claim stays as it is: the worker that holds it finds the order changed and goes on from there.
      const change = db
        .updateTable("orders")
        .set({
          state,
          refunded_minor: order.refunded.minor,
          refunding_minor: order.refunding.minor,
          version: moved.version,
          updated_at: updatedAt,
          attempts: 0,
          next_attempt_at: stepOf(moved) === undefined ? null : sql`now()`,
        })
        .where("id", "=", order.id)
        .where("version", "=", order.version)
        .returning("id");
      const row = await writeWithEvent(db, change, toOrderEvent(moved));
      if (row === undefined) throw new Error(`order ${order.id} changed while it was locked`);
      return moved;
    },

    async wake(orderId) {
      const update = db
        .updateTable("orders")
        .set({ next_attempt_at: sql`now()`, attempts: 0 })
        .where("id", "=", orderId)
        .where("next_attempt_at", ">", sql<Date>`now()`)
        .where("claimed_by", "is", null);
      await sendWithNext(db, update.compile());
    },
  };
}

/** One text, however many they are. */
const insertItems = ({ id, items }: Order) => sql`
  insert into order_items (order_id, position, product_id, sku, name, quantity, unit_price_minor)
  select ${id}::uuid, position - 1, product_id, sku, name, quantity, unit_price_minor
  from unnest(
    ${items.map((item) => item.productId)}::uuid[], ${items.map((item) => item.sku)}::text[],
    ${items.map((item) => item.name)}::text[], ${items.map((item) => item.quantity)}::integer[],
    ${items.map((item) => item.unitPrice.minor)}::bigint[]
  ) with ordinality as item (product_id, sku, name, quantity, unit_price_minor, position)`;

const ownedBy = (where: ExpressionBuilder<Tables, "orders">, { userId, isAdmin }: Caller) =>
  isAdmin ? where.lit(true) : where("user_id", "=", userId);

function toOrder(row: Selectable<OrderTable>, items: readonly OrderItemTable[]): Order {
  const { currency } = row;
  return {
    id: row.id,
    userId: row.user_id,
    items: items.map((item) => toItem(item, currency)),
    total: { currency, minor: row.total_minor },
    refunded: { currency, minor: row.refunded_minor },
    refunding: { currency, minor: row.refunding_minor },
    state: row.state,
    version: row.version,
    paymentId: row.payment_id ?? undefined,
    failure: row.failure_reason ? { reason: row.failure_reason, message: row.failure_message ?? "" } : undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const toItem = (row: OrderItemTable, currency: string): OrderItem => ({
  productId: row.product_id,
  sku: row.sku,
  name: row.name,
  quantity: row.quantity,
  unitPrice: { currency, minor: row.unit_price_minor },
  amount: { currency, minor: row.unit_price_minor * BigInt(row.quantity) },
});
