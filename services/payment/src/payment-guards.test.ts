import { randomUUID } from "node:crypto";
import { testDatabase } from "@tenon/testing";
import { afterAll, expect, test } from "vitest";
import { createPayments, runScript } from "./payment-fixture.ts";
import type { Tables } from "./payment-tables.ts";
import { paymentMigrations } from "./server.ts";

// What the database refuses, whatever code asks for it: the rules know better, and are what crashes and is changed.
const database = await testDatabase<Tables>({ migrations: paymentMigrations });
afterAll(() => database.close());
const payments = createPayments(database.db);
const captured = await payments.captured();
const other = await payments.captured();

const copyStep = (change: string) =>
  `insert into steps (id, payment_id, kind, request_id, currency, amount_minor, state, lease_expires_at)
    select '${randomUUID()}', ${change}, currency, amount_minor, 'PENDING', now() from steps
    where payment_id = '${captured.id}' and kind = 'CAPTURE'`;

const change = (set: string) => `update payments set ${set} where id = '${captured.id}'`;

for (const [what, statement, constraint] of [
  ["18: less is taken than was reserved", change("captured_minor = 999"), "payments_captured"],
  ["18: more is taken than was reserved", change("captured_minor = 1001"), "payments_captured"],
  ["18: more is being given back than was taken", change("refunding_minor = 1001"), "payments_refunded"],
  [
    "18: more is being given back than is left",
    change("state = 'REFUNDED', refunded_minor = captured_minor, refunding_minor = 1"),
    "payments_refunded",
  ],
  ["20: money was given back and the state does not say so", change("refunded_minor = 1"), "payments_refund_state"],
  ["11: a payment is taken a second time", copyStep("payment_id, kind, gen_random_uuid()"), "steps_once"],
  ["11: a request id makes a second step", copyStep(`'${other.id}', kind, request_id`), "steps_request"],
] as const) {
  test(`${what}: the database refuses it`, async () => {
    await expect(runScript(database.db, statement)).rejects.toThrow(`"${constraint}"`);
  });
}

test("36: a version of a payment that is told to nobody is refused", async () => {
  const untold = runScript(database.db, change("version = version + 1"));
  await expect(untold).rejects.toThrow(/version \d+ of .* has no event/);
});
