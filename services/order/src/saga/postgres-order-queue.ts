import { writeWithEvent } from "@tenon/events";
import { type Kysely, type Selectable, sql } from "kysely";
import type { Refund } from "../order.ts";
import { toOrderEvent } from "../order-events.ts";
import { stepOf } from "../order-states.ts";
import type { OrderTable, Tables } from "../order-tables.ts";
import { type ClaimedOrder, LONGEST_WAIT_MS, type OrderQueue } from "./order-queue.ts";

export interface PostgresOrderQueueOptions {
  db: Kysely<Tables>;
  now: () => Date;
  newId: () => string;
  /** How long a claim holds that is not renewed, in milliseconds; by default 3 s. */
  leaseMs?: number;
}

/** The queue in the rows of the orders themselves. Leases and delays go by the database's clock, the only one all share. */
export function createPostgresOrderQueue(options: PostgresOrderQueueOptions): OrderQueue {
  const { db, now, newId, leaseMs = 3000 } = options;
  const after = (ms: number) => sql<Date>`now() + ${ms}::float8 * interval '1 millisecond'`;
  const held = ({ id, claim }: ClaimedOrder, on = db) =>
    on.updateTable("orders").where("id", "=", id).where("claimed_by", "=", claim);

  return {
    async claim(limit) {
      const claim = newId();
      const { rows } = await sql<Selectable<OrderTable>>`
        update orders set claimed_by = ${claim}, lease_until = ${after(leaseMs)}
        where id = any(array(
          select id from orders
          where (next_attempt_at <= now() or next_attempt_at > ${after(LONGEST_WAIT_MS)})
            and (lease_until is null or lease_until < now() or lease_until > ${after(LONGEST_WAIT_MS)})
          order by id
          limit ${limit}
          for update skip locked
        ))
        returning *`.execute(db);
      return rows.map(toClaimed).sort((a, b) => (a.id < b.id ? -1 : 1));
    },

    async renew(orders) {
      if (orders.length === 0) return;
      await db
        .updateTable("orders")
        .set({ lease_until: after(leaseMs) })
        .where(sql<boolean>`id = any(${orders.map(({ id }) => id)}::uuid[])`)
        .where(sql<boolean>`claimed_by = any(${[...new Set(orders.map(({ claim }) => claim))]}::uuid[])`)
        .execute();
    },

    async reload({ id, claim }) {
      const query = db.selectFrom("orders").selectAll().where("id", "=", id).where("claimed_by", "=", claim);
      const row = await query.executeTakeFirst();
      return row && toClaimed(row);
    },

    async markAsked(order) {
      const row = await held(order)
        .set({ payment_asked_at: now(), lease_until: after(leaseMs) })
        .where("version", "=", order.version)
        .returningAll()
        .executeTakeFirst();
      return row && toClaimed(row);
    },

    async nextRefund({ id }) {
      const row = await db
        .selectFrom("order_refunds")
        .select(["id", "amount_minor"])
        .where("order_id", "=", id)
        .where("state", "=", "PENDING")
        .orderBy("id")
        .limit(1)
        .executeTakeFirst();
      return row && { id: row.id, amountMinor: row.amount_minor };
    },

    async change(order, { state, paymentId = order.paymentId, refunded = order.refunded, failure, ...change }) {
      const { refund, refundState = "DONE" } = change;
      const refunding = { ...order.refunding, minor: order.refunding.minor - (refund?.amountMinor ?? 0n) };
      // Times of one order never run backwards, whatever clocks do.
      const updatedAt = new Date(Math.max(now().getTime(), order.updatedAt.getTime()));
      const version = order.version + 1n;
      const next = { ...order, state, paymentId, refunded, refunding, failure, version, updatedAt };
      const rests = stepOf(next) === undefined;
      const values = {
        state,
        payment_id: paymentId ?? null,
        refunded_minor: refunded.minor,
        refunding_minor: refunding.minor,
        ...(failure !== undefined && { failure_reason: failure.reason, failure_message: failure.message }),
        version,
        updated_at: updatedAt,
        attempts: 0,
        ...(rests ? { ...UNCLAIMED, next_attempt_at: null } : { lease_until: after(leaseMs) }),
      };
      const write = (on: Kysely<Tables>) => {
        const changed = held(order, on).set(values).where("version", "=", order.version).returningAll();
        return writeWithEvent(on, changed, toOrderEvent(next));
      };
      const row = refund
        ? await db.transaction().execute((tx) => writeRefund(tx, { ...refund, state: refundState }, write))
        : await write(db);
      return row && { ...toClaimed(row), claim: order.claim };
    },

    async postpone(order, delayMs) {
      // Where somebody has changed the order meanwhile, the failure was not about what is to be done now.
      const unchanged = sql<boolean>`version = ${order.version}`;
      await held(order)
        .set({
          ...UNCLAIMED,
          attempts: sql`case when ${unchanged} then attempts + 1 else 0 end`,
          next_attempt_at: sql`case when ${unchanged} then ${after(delayMs)} else now() end`,
        })
        .execute();
    },

    async release(order) {
      await held(order)
        .set({ ...UNCLAIMED, next_attempt_at: sql`now()` })
        .execute();
    },
  };
}

/** The order's change and its refund's, or neither. */
async function writeRefund<Row>(
  tx: Kysely<Tables>,
  { id, state }: Refund & { state: "DONE" | "REFUSED" },
  write: (on: Kysely<Tables>) => Promise<Row>,
) {
  const row = await write(tx);
  if (row) await tx.updateTable("order_refunds").set({ state }).where("id", "=", id).execute();
  return row;
}

const UNCLAIMED = { claimed_by: null, lease_until: null };

const toClaimed = (row: Selectable<OrderTable>): ClaimedOrder => ({
  id: row.id,
  userId: row.user_id,
  total: { currency: row.currency, minor: row.total_minor },
  refunded: { currency: row.currency, minor: row.refunded_minor },
  refunding: { currency: row.currency, minor: row.refunding_minor },
  paymentMethod: row.payment_method,
  state: row.state,
  version: row.version,
  paymentAsked: row.payment_asked_at !== null,
  paymentId: row.payment_id ?? undefined,
  attempts: row.attempts,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  claim: row.claimed_by ?? "",
  traceParent: row.trace_parent ?? undefined,
});
