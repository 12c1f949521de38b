import { readPage, sendWithNext } from "@tenon/database";
import { writeWithEvent } from "@tenon/events";
import type { ExpressionBuilder, Kysely } from "kysely";
import { insertEntry } from "./ledger/ledger-repository.ts";
import type { Payment, PaymentFacts, PaymentFilter, PaymentStore } from "./payment.ts";
import { toPaymentEvent } from "./payment-events.ts";
import { statesBefore } from "./payment-states.ts";
import { STEP_COLUMNS, type Tables, toPayment, toRow, toWork } from "./payment-tables.ts";

/** Payments in PostgreSQL; `db` is the database or a transaction in it. */
export function createPaymentStore(db: Kysely<Tables>): PaymentStore {
  const works = () =>
    db
      .selectFrom("steps")
      .innerJoin("payments", "payments.id", "steps.payment_id")
      .selectAll("payments")
      .select(STEP_COLUMNS);

  const update = ({ id, version }: Payment, facts: PaymentFacts) =>
    db.updateTable("payments").set(toColumns(facts)).where("id", "=", id).where("version", "=", version).returningAll();

  return {
    atomically: (work) => db.transaction().execute((tx) => work(createPaymentStore(tx))),

    async insert(payment) {
      const insert = db
        .insertInto("payments")
        .values(toRow(payment))
        // Of the order: the id is new.
        .onConflict((conflict) => conflict.doNothing())
        .returning("id");
      return (await writeWithEvent(db, insert, toPaymentEvent(payment))) !== undefined;
    },

    async lock(id) {
      const row = await db.selectFrom("payments").selectAll().where("id", "=", id).forUpdate().executeTakeFirst();
      return row && toPayment(row);
    },

    async transit(payment, state, facts, at) {
      // Never back, whatever the clock does.
      const updatedAt = new Date(Math.max(at.getTime(), payment.updatedAt.getTime()));
      const next = { ...payment, ...facts, state, version: payment.version + 1n, updatedAt };
      const change = update(payment, facts)
        .set({ state, version: next.version, updated_at: updatedAt })
        .where("state", "in", statesBefore(state));
      const row = await writeWithEvent(db, change, toPaymentEvent(next));
      if (row === undefined) throw new Error(`a payment did not go from ${payment.state} to ${state}`);
      return toPayment(row);
    },

    async note(payment, facts) {
      if (Object.keys(facts).length === 0) return payment;
      return toPayment(await update(payment, facts).executeTakeFirstOrThrow());
    },

    async listStale(authorizedBefore, limit) {
      const stale = await db
        .selectFrom("payments")
        .select("id")
        .where("state", "=", "AUTHORIZED")
        .where("updated_at", "<=", authorizedBefore)
        .orderBy("updated_at")
        .limit(limit)
        .execute();
      return stale.map(({ id }) => id);
    },

    post: (entry) => insertEntry(db, entry),

    async find(id, filter = {}) {
      const found = db.selectFrom("payments").selectAll().where("id", "=", id).where(matches(filter));
      const row = await found.executeTakeFirst();
      return row && toPayment(row);
    },

    async findByAuthorization(authorizationId) {
      const found = db.selectFrom("payments").selectAll().where("authorization_id", "=", authorizationId);
      const row = await found.executeTakeFirst();
      return row && toPayment(row);
    },

    async list(page, filter) {
      const query = db.selectFrom("payments").selectAll().where(matches(filter));
      const { items, lastId } = await readPage(query, page);
      return { items: items.map(toPayment), lastId };
    },

    async insertStep({ paymentId, requestId, amount, ...same }, { createdAt, leaseExpiresAt }) {
      const insert = db.insertInto("steps").values({
        ...same,
        payment_id: paymentId,
        request_id: requestId,
        currency: amount.currency,
        amount_minor: amount.minor,
        lease_expires_at: leaseExpiresAt,
        created_at: createdAt,
      });
      await sendWithNext(db, insert.compile());
    },

    async findStep(kind, requestId) {
      const row = await works().where("kind", "=", kind).where("request_id", "=", requestId).executeTakeFirst();
      return row && toWork(row);
    },

    async findAuthorizeStep(paymentId) {
      const row = await works().where("kind", "=", "AUTHORIZE").where("payment_id", "=", paymentId).executeTakeFirst();
      return row && toWork(row);
    },

    async settleStep(id, state) {
      const { numUpdatedRows } = await db
        .updateTable("steps")
        .set({ state })
        .where("id", "=", id)
        .where("state", "=", "PENDING")
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },

    leaseDueStep: (now, leaseUntil) =>
      db.transaction().execute(async (tx) => {
        const due = await tx
          .selectFrom("steps")
          .select(["id", "attempts"])
          .where("state", "=", "PENDING")
          .where(({ or, eb }) =>
            or([eb("lease_expires_at", "<=", now), eb("lease_expires_at", ">", leaseUntil(Number.POSITIVE_INFINITY))]),
          )
          .orderBy("lease_expires_at")
          .limit(1)
          .forUpdate()
          .skipLocked()
          .executeTakeFirst();
        if (due === undefined) return undefined;
        const attempts = due.attempts + 1;
        const lease = { attempts, lease_expires_at: leaseUntil(attempts) };
        const row = await tx
          .updateTable("steps")
          .from("payments")
          .set(lease)
          .where("steps.id", "=", due.id)
          .whereRef("payments.id", "=", "steps.payment_id")
          .returningAll("payments")
          .returning(STEP_COLUMNS)
          .executeTakeFirstOrThrow();
        return toWork(row);
      }),
  };
}

const matches =
  ({ userId, orderId }: PaymentFilter) =>
  (row: ExpressionBuilder<Tables, "payments">) =>
    row.and({ ...(userId !== undefined && { user_id: userId }), ...(orderId !== undefined && { order_id: orderId }) });

const toColumns = (facts: PaymentFacts): Partial<Tables["payments"]> => ({
  ...(facts.capturedMinor !== undefined && { captured_minor: facts.capturedMinor }),
  ...(facts.refundedMinor !== undefined && { refunded_minor: facts.refundedMinor }),
  ...(facts.refundingMinor !== undefined && { refunding_minor: facts.refundingMinor }),
  ...(facts.declineReason !== undefined && { decline_reason: facts.declineReason }),
  ...(facts.paymentMethod !== undefined && { payment_method: facts.paymentMethod }),
  ...(facts.authorizationId !== undefined && { authorization_id: facts.authorizationId }),
});
