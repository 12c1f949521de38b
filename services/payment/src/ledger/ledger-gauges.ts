import { withSignal } from "@tenon/database";
import type { Logger } from "@tenon/logger";
import { sampledGauge } from "@tenon/runtime";
import { type Kysely, sql } from "kysely";
import type { Registry } from "prom-client";
import type { LedgerTables } from "./ledger-tables.ts";

export interface LedgerGaugesOptions {
  db: Kysely<LedgerTables>;
  registry: Registry;
  logger: Logger;
}

/** What must be zero, seen from outside of the database that enforces it. Each replica tells the same. */
export function ledgerGauges({ db, registry, logger }: LedgerGaugesOptions): void {
  sampledGauge({
    name: "payment_ledger_imbalance_minor",
    help: "Debits less credits of all accounts of a currency, in its minor unit: zero, or money was made or lost.",
    label: "currency",
    ...{ registry, logger },
    async sample(signal) {
      const rows = await withSignal(db, signal)
        .selectFrom("ledger_balances")
        .select(["currency", sql<string>`sum(debit_minor - credit_minor)`.as("imbalance")])
        .groupBy("currency")
        .execute();
      return rows.map(({ currency, imbalance }) => ({ of: currency, value: Number(imbalance) }));
    },
  });
}
