import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { databaseMigrations, migrate } from "@tenon/database";
import { testDatabase } from "@tenon/testing";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { runScript } from "../payment-fixture.ts";
import type { Tables } from "../payment-tables.ts";
import { paymentMigrations } from "../server.ts";
import { verifyLedger } from "./verify-ledger.ts";

/** Payments as they were before there was a ledger, one in each state; amounts, in cents, are their names. */
const BEFORE = `
  insert into payments (id, order_id, user_id, currency, amount_minor, captured_minor, refunded_minor, refunding_minor,
    state, decline_reason, payment_method, authorization_id, created_at, updated_at, version)
  select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'USD', amount,
    case when state in ('CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED') then amount else 0 end, refunded, refunding, state,
    case state when 'DECLINED' then 'card_declined' else '' end, case state when 'AUTHORIZING' then 'pm_ok' end,
    case when state not in ('AUTHORIZING', 'DECLINED') then gen_random_uuid() end, now(), now(), 1
  from (values
    (1, 'AUTHORIZING', 0, 0), (10, 'AUTHORIZED', 0, 0), (2, 'DECLINED', 0, 0), (20, 'CAPTURING', 0, 0),
    (100, 'CAPTURED', 0, 0), (40, 'VOIDING', 0, 0), (4, 'VOIDED', 0, 0), (8, 'EXPIRED', 0, 0),
    (1000, 'PARTIALLY_REFUNDED', 300, 500), (2000, 'REFUNDED', 2000, 0)
  ) as old (amount, state, refunded, refunding);
  insert into steps (id, payment_id, kind, request_id, currency, amount_minor, state, lease_expires_at)
  select gen_random_uuid(), id, kind, gen_random_uuid(), 'USD', minor, step_state, now() from payments
  cross join lateral (values
    ('AUTHORIZE', amount_minor, case when state = 'AUTHORIZING' then 'PENDING' when state = 'DECLINED' then 'REFUSED' else 'DONE' end),
    ('CAPTURE', case when captured_minor > 0 or state = 'CAPTURING' then amount_minor end,
      case state when 'CAPTURING' then 'PENDING' else 'DONE' end),
    ('REFUND', nullif(refunded_minor, 0), 'DONE'),
    ('REFUND', nullif(refunding_minor, 0), 'PENDING'),
    ('REFUND', case when captured_minor > 0 then 7 end, 'REFUSED')
  ) as step (kind, minor, step_state)
  where minor is not null`;

test("62: payments from before there was a ledger are booked as they stand", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tenon-migrations-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const first = "0001-payments.sql";
  await copyFile(new URL(`../migrations/${first}`, import.meta.url), join(folder, first));
  const old = pathToFileURL(`${folder}/`);
  await using database = await testDatabase<Tables>({ migrations: [databaseMigrations, old] });
  await runScript(database.db, BEFORE);

  await migrate(database.db, paymentMigrations);

  // Six were reserved, three of these taken; three refunds set money aside, and two of these gave it back.
  await expect(Array.fromAsync(verifyLedger(database.db))).resolves.toMatchObject([{ currency: "USD", entries: 14n }]);
  const balances = await database.db
    .selectFrom("ledger_balances")
    .select(["account", sql<string>`(debit_minor - credit_minor)::text`.as("minor")])
    .orderBy("account")
    .execute();
  expect(balances).toEqual([
    { account: "CUSTOMER_HOLDS", minor: "70" },
    { account: "MERCHANT_RECEIVABLE", minor: "300" },
    { account: "PROCESSOR_CLEARING", minor: "-870" },
    { account: "REFUNDS", minor: "500" },
  ]);
});
