import { readPage, sendWithNext } from "@tenon/database";
import { type Kysely, sql } from "kysely";
import type { AccountBalance, Entry, NewEntry } from "./ledger.ts";
import type { LedgerFilter, LedgerStore } from "./ledger-service.ts";
import type { LedgerTables } from "./ledger-tables.ts";

/**
 * Writes an entry and its postings, in the transaction that `db` is, along with its next statement. When that ends the database checks them, adds them to
 * the balances and to the chain of their currency.
 */
export async function insertEntry(db: Kysely<LedgerTables>, entry: NewEntry): Promise<void> {
  const { id, currency, movement } = entry;
  const insert = db
    .with("entry", (db) =>
      db.insertInto("ledger_entries").values({
        ...{ id, currency, movement },
        payment_id: entry.paymentId,
        step_id: entry.stepId,
        created_at: entry.createdAt,
      }),
    )
    .insertInto("ledger_postings")
    .values(entry.postings.map(({ account, amountMinor }) => ({ entry_id: id, account, amount_minor: amountMinor })));
  await sendWithNext(db, insert.compile());
}

/** The ledger as it is read. */
export function createLedgerStore(db: Kysely<LedgerTables>): LedgerStore {
  return {
    async list(page, { paymentId }: LedgerFilter) {
      const all = linkedEntries(db);
      const rows = paymentId === undefined ? all : all.where("payment_id", "=", paymentId);
      const { items, lastId } = await readPage(rows, page, "ledger_entries.id");
      return { items: items.map(toEntry), lastId };
    },

    async balances() {
      const rows = await db.selectFrom("ledger_balances").selectAll().orderBy("currency").orderBy("account").execute();
      return rows.map(
        ({ account, currency, debit_minor, credit_minor }): AccountBalance => ({
          account,
          currency,
          debitMinor: BigInt(debit_minor),
          creditMinor: BigInt(credit_minor),
        }),
      );
    },
  };
}

/** Entries with their postings in one row each. */
export const linkedEntries = (db: Kysely<LedgerTables>) =>
  db
    .selectFrom("ledger_entries")
    .innerJoin("ledger_chain", "ledger_chain.entry_id", "ledger_entries.id")
    .select([
      "ledger_entries.id",
      "ledger_entries.payment_id",
      "ledger_entries.step_id",
      "ledger_entries.movement",
      "ledger_entries.currency",
      "ledger_entries.created_at",
      "ledger_chain.position",
      "ledger_chain.hash",
    ])
    .select(
      sql<EntryRow["postings"]>`(
        select json_agg(json_build_array(account, amount_minor::text) order by amount_minor desc)
        from ledger_postings where entry_id = ledger_entries.id
      )`.as("postings"),
    );

interface EntryRow {
  id: string;
  payment_id: string;
  step_id: string;
  movement: Entry["movement"];
  currency: string;
  created_at: Date;
  position: bigint;
  hash: Uint8Array;
  /** The debits first. */
  postings: [Entry["postings"][number]["account"], string][];
}

export const toEntry = (row: EntryRow): Entry => ({
  id: row.id,
  paymentId: row.payment_id,
  stepId: row.step_id,
  movement: row.movement,
  currency: row.currency,
  createdAt: row.created_at,
  position: row.position,
  hash: row.hash,
  postings: row.postings.map(([account, minor]) => ({ account, amountMinor: BigInt(minor) })),
});
