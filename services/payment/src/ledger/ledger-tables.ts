import type { ColumnType } from "kysely";
import type { Account, Movement } from "./ledger.ts";

/** The ledger's part of the database. What is not written here the database writes by itself. */
export interface LedgerTables {
  ledger_entries: EntryTable;
  ledger_postings: { entry_id: string; account: Account; amount_minor: bigint };
  ledger_balances: BalanceTable;
  ledger_chain: { currency: string; position: bigint; entry_id: string; hash: Uint8Array };
  ledger_heads: { currency: string; position: bigint; hash: Uint8Array };
}

interface EntryTable {
  id: string;
  payment_id: string;
  step_id: string;
  movement: Movement;
  currency: string;
  created_at: Date;
}

interface BalanceTable {
  currency: string;
  account: Account;
  /** Larger than an int64, so that the driver gives it as text. */
  debit_minor: ColumnType<string>;
  credit_minor: ColumnType<string>;
}
