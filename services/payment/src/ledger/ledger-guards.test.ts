import { randomUUID } from "node:crypto";
import { testDatabase } from "@tenon/testing";
import { afterAll, expect, test } from "vitest";
import type { Payment } from "../payment.ts";
import { createPayments, runScript } from "../payment-fixture.ts";
import type { Tables } from "../payment-tables.ts";
import { paymentMigrations } from "../server.ts";
import { entryOf } from "./ledger.ts";
import { verifyLedger } from "./verify-ledger.ts";

const database = await testDatabase<Tables>({ migrations: paymentMigrations });
afterAll(() => database.close());
const { db } = database;

const APPEND_ONLY = ["ledger_entries", "ledger_postings", "ledger_chain"] as const;
const SEALED = ["ledger_balances", "ledger_heads"] as const;
const payments = createPayments(db);
const captured = await payments.captured();

/** Statements of a transaction that ought to be refused. */
const run = (statements: string) => runScript(db, statements);

for (const table of APPEND_ONLY) {
  for (const statement of [
    `update ${table} set ${table === "ledger_postings" ? "amount_minor = 1" : "currency = 'EUR'"}`,
    `delete from ${table}`,
    `truncate ${table}`,
  ]) {
    test(`33: "${statement}" is refused`, async () => {
      await expect(run(statement)).rejects.toThrow(/permission denied/);
    });

    test(`33: "${statement}" is refused also to who has the right`, async () => {
      const granted = run(`grant update, delete, truncate on ${table} to current_user; ${statement}`);
      await expect(granted).rejects.toThrow(/the ledger is append-only/);
    });
  }
}

for (const statement of [
  ...SEALED.flatMap((table) => [`delete from ${table}`, `truncate ${table}`]),
  "update ledger_balances set debit_minor = 0, credit_minor = 0",
  "update ledger_heads set hash = ''",
  `insert into ledger_balances values ('EUR', 'REFUNDS', 1, 0)`,
  `insert into ledger_heads values ('EUR', 1, '')`,
  `insert into ledger_chain values ('EUR', 1, gen_random_uuid(), '')`,
]) {
  test(`33: "${statement}" is refused: only the sealing of an entry writes it`, async () => {
    await expect(run(statement)).rejects.toThrow(/the ledger is append-only/);
  });
}

/** An entry as SQL about a step of this kind, with these postings. */
function entry(payment: Payment, movement: string, postings: Record<string, number>, kind = "AUTHORIZE"): string {
  const id = randomUUID();
  const rows = Object.entries(postings).map(([account, minor]) => `('${id}', '${account}', ${minor})`);
  return `insert into ledger_entries (id, payment_id, step_id, movement, currency, created_at)
      select '${id}', payment_id, id, '${movement}', currency, now() from steps
      where payment_id = '${payment.id}' and kind = '${kind}'
    ${rows.length > 0 ? `; insert into ledger_postings values ${rows.join(", ")}` : ""}`;
}

const books = /the books of payment .* do not tell where its money is/;
const unbalanced = /do not sum to zero/;

for (const [what, movement, postings, error] of [
  ["without postings", "REFUND", {}, unbalanced],
  ["with one posting", "REFUND", { REFUNDS: 5 }, unbalanced],
  ["whose postings do not sum to zero", "REFUND", { REFUNDS: 5, PROCESSOR_CLEARING: -4 }, unbalanced],
  ["of nothing", "REFUND", { REFUNDS: 0, PROCESSOR_CLEARING: 0 }, /violates check constraint/],
  ["to an account that there is not", "REFUND", { REFUNDS: 5, POCKET: -5 }, /ledger_postings_account/],
  ["that takes more than there is", "REFUND", { PROCESSOR_CLEARING: 5, REFUNDS: -5 }, /ledger_balances_sign/],
  ["that no payment knows of", "REFUND", { MERCHANT_RECEIVABLE: 5, PROCESSOR_CLEARING: -5 }, books],
  ["that reserves money again", "HOLD", { CUSTOMER_HOLDS: 1000, PROCESSOR_CLEARING: -1000 }, /ledger_entries_once/],
  ["that ends a reservation again", "RELEASE", { PROCESSOR_CLEARING: 5, CUSTOMER_HOLDS: -5 }, /ledger_hold_ends_once/],
] as const) {
  test(`32, 34, 35: an entry ${what} is refused, and leaves nothing`, async () => {
    const before = await Array.fromAsync(verifyLedger(db));
    await expect(run(entry(captured, movement, postings))).rejects.toThrow(error);
    expect(await Array.fromAsync(verifyLedger(db))).toEqual(before);
  });
}

test("34: a reservation is booked once, whichever step says so", async () => {
  const again = entry(captured, "HOLD", { CUSTOMER_HOLDS: 1000, PROCESSOR_CLEARING: -1000 }, "CAPTURE");
  await expect(run(again)).rejects.toThrow(/ledger_hold_once/);
});

test("34: the books of a payment are in its own currency", async () => {
  const { id: yen } = await payments.authorize({ currency: "JPY" });
  await payments.capture(yen);
  const { id: paymentId } = await payments.captured();
  const [id, createdAt, amount] = [randomUUID(), new Date(), { currency: "JPY", minor: 400n }];
  const refunded = payments.store.atomically(async (tx) => {
    const payment = await tx.lock(paymentId);
    if (payment === undefined) throw new Error("the payment is gone");
    const step = { id, paymentId, requestId: id, amount, kind: "REFUND", state: "DONE", attempts: 0 } as const;
    await tx.insertStep(step, { createdAt, leaseExpiresAt: createdAt });
    for (const movement of ["RESERVE_REFUND", "REFUND"] as const) {
      await tx.post(entryOf(movement, { id: randomUUID(), paymentId, stepId: id, amount, createdAt }));
    }
    return tx.transit(payment, "PARTIALLY_REFUNDED", { refundedMinor: amount.minor }, createdAt);
  });
  await expect(refunded).rejects.toThrow(books);
});

test("34: a refund ends once, as done or as refused", async () => {
  const { id } = await payments.captured();
  const refunded = await payments.refund(id, 5n);
  const again = entry(refunded, "CANCEL_REFUND", { MERCHANT_RECEIVABLE: 5, REFUNDS: -5 }, "REFUND");
  await expect(run(again)).rejects.toThrow(/ledger_refund_ends_once/);
});

test("33: nothing is added to an entry later, even where it sums to zero", async () => {
  const { id } = await db.selectFrom("ledger_entries").select("id").limit(1).executeTakeFirstOrThrow();
  const late = `insert into ledger_postings values ('${id}', 'REFUNDS', 5)`;
  await expect(run(late)).rejects.toThrow(/came without its entry/);
});

for (const [what, change] of [
  ["captured", "state = 'REFUNDED', refunded_minor = captured_minor"],
  ["refunding", "refunding_minor = 1"],
] as const) {
  test(`34: a payment whose ${what} amount changes without a posting is refused`, async () => {
    const statement = `update payments set ${change} where id = '${captured.id}'`;
    await expect(run(statement)).rejects.toThrow(books);
  });
}

test("33: who switches the guards off and rewrites history is found out", async () => {
  await using other = await testDatabase<Tables>({ migrations: paymentMigrations });
  await createPayments(other.db).captured();
  expect(await Array.fromAsync(verifyLedger(other.db))).toMatchObject([{ currency: "USD", entries: 2n }]);
  const rewrite = (table: string, change: string) =>
    runScript(
      other.db,
      `grant update, delete on ${table} to current_user; alter table ${table} disable trigger user;
      ${change}; alter table ${table} enable trigger user`,
    );
  const halve = "update ledger_postings set amount_minor = amount_minor";
  await rewrite("ledger_postings", `${halve} / 2`);
  await expect(Array.fromAsync(verifyLedger(other.db))).rejects.toThrow("USD 1 is not what it was when it was written");
  await rewrite("ledger_postings", `${halve} * 2`);
  await rewrite("ledger_balances", "update ledger_balances set debit_minor = debit_minor + 1");
  await expect(Array.fromAsync(verifyLedger(other.db))).rejects.toThrow(/the balance of USD \w+ is not its postings'/);
  await rewrite("ledger_balances", "update ledger_balances set debit_minor = debit_minor - 1");
  await rewrite("ledger_chain", "delete from ledger_chain where position = 1");
  await expect(Array.fromAsync(verifyLedger(other.db))).rejects.toThrow("links before USD 2 are missing");
});
