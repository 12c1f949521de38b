import { sendWithNext } from "@tenon/database";
import type { Generated, Kysely, Selectable } from "kysely";
import { sql } from "kysely";
import type { Authorization, Transaction, TransactionLog } from "./transaction.ts";

interface TransactionTable {
  id: string;
  position: Generated<bigint>;
  reference: string;
  kind: Transaction["kind"];
  state: Transaction["state"];
  authorization_id: string | null;
  payment_method: string | null;
  currency: string;
  amount_minor: bigint;
  decline_reason: string;
  created_at: Date;
}

interface AuthorizationTable {
  id: string;
  state: Authorization["state"];
  currency: string;
  amount_minor: bigint;
  refunded_minor: Generated<bigint>;
}

export interface Tables {
  transactions: TransactionTable;
  authorizations: AuthorizationTable;
  callbacks: { id: string; transaction_id: string; attempts: Generated<number>; due_at: Date };
}

/** The log in PostgreSQL. */
export function createTransactionLog(db: Kysely<Tables>): TransactionLog {
  return {
    // The first statement of a change is the one that writes to `transactions`, see `list`.
    atomically: (work) => db.transaction().execute((tx) => work(createTransactionLog(tx))),

    async append({ authorizationId, paymentMethod, amount, declineReason, createdAt, ...same }) {
      const written = await db
        .insertInto("transactions")
        .values({
          ...same,
          authorization_id: authorizationId,
          payment_method: paymentMethod,
          currency: amount.currency,
          amount_minor: amount.minor,
          decline_reason: declineReason,
          created_at: createdAt,
        })
        .onConflict((conflict) => conflict.column("reference").doNothing())
        .executeTakeFirst();
      return written.numInsertedOrUpdatedRows === 1n;
    },

    async callBack(id, transactionId, dueAt) {
      await db.insertInto("callbacks").values({ id, transaction_id: transactionId, due_at: dueAt }).execute();
    },

    async findByReference(reference) {
      const row = await db.selectFrom("transactions").selectAll().where("reference", "=", reference).executeTakeFirst();
      return row && toTransaction(row);
    },

    async findAuthorization(id) {
      const row = await db.selectFrom("authorizations").selectAll().where("id", "=", id).executeTakeFirst();
      return row && toAuthorization(row);
    },

    async reserve(id, amount) {
      const { currency, minor } = amount;
      const insert = db.insertInto("authorizations").values({ id, state: "RESERVED", currency, amount_minor: minor });
      await sendWithNext(db, insert.compile());
    },

    capture: (id) => changeReserved(id, "CAPTURED"),

    release: (id) => changeReserved(id, "VOIDED"),

    async refund(id, amountMinor) {
      const { numUpdatedRows } = await db
        .updateTable("authorizations")
        .set((row) => ({ refunded_minor: row("refunded_minor", "+", amountMinor) }))
        .where("id", "=", id)
        .where("state", "=", "CAPTURED")
        .where((row) => row(row("amount_minor", "-", row.ref("refunded_minor")), ">=", amountMinor))
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },

    list: ({ after, limit }) =>
      db.transaction().execute(async (tx) => {
        // Positions are given out before they commit. Waiting for the writers of this moment keeps a reader from passing
        // over one of them; the next ones get higher positions.
        await sql`lock table transactions in share mode`.execute(tx);
        const rows = await tx
          .selectFrom("transactions")
          .selectAll()
          .where("position", ">", after)
          .orderBy("position")
          .limit(limit)
          .execute();
        return rows.map((row) => ({ transaction: toTransaction(row), position: row.position }));
      }),
  };

  async function changeReserved(id: string, state: "CAPTURED" | "VOIDED"): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable("authorizations")
      .set({ state })
      .where("id", "=", id)
      .where("state", "=", "RESERVED")
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }
}

export const toTransaction = (row: Selectable<TransactionTable>): Transaction => ({
  id: row.id,
  reference: row.reference,
  kind: row.kind,
  state: row.state,
  authorizationId: row.authorization_id,
  paymentMethod: row.payment_method,
  amount: { currency: row.currency, minor: row.amount_minor },
  declineReason: row.decline_reason,
  createdAt: row.created_at,
});

const toAuthorization = (row: Selectable<AuthorizationTable>): Authorization => ({
  id: row.id,
  state: row.state,
  amount: { currency: row.currency, minor: row.amount_minor },
  refundedMinor: row.refunded_minor,
});
