import { createLogger } from "@tenon/logger";
import { testDatabase } from "@tenon/testing";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createPayments } from "../payment-fixture.ts";
import type { Tables } from "../payment-tables.ts";
import { paymentMigrations } from "../server.ts";
import { ledgerGauges } from "./ledger-gauges.ts";

test("the books of each currency are told to be at zero, or by how much they are not", async () => {
  await using database = await testDatabase<Tables>({ migrations: paymentMigrations });
  const payments = createPayments(database.db);
  await payments.captured(1000n);
  await payments.authorize({ currency: "JPY", minor: 500n });

  const registry = new Registry();
  ledgerGauges({ db: database.db, registry, logger: createLogger({ name: "test" }) });
  const values = async () =>
    (await registry.metrics())
      .split("\n")
      .filter((line) => line.startsWith("payment_"))
      .sort();
  expect(await values()).toEqual([
    'payment_ledger_imbalance_minor{currency="JPY"} 0',
    'payment_ledger_imbalance_minor{currency="USD"} 0',
  ]);
});
