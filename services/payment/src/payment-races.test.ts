import { testDatabase } from "@tenon/testing";
import { afterAll, expect, test } from "vitest";
import { createPayments } from "./payment-fixture.ts";
import type { Tables } from "./payment-tables.ts";
import { paymentMigrations } from "./server.ts";

const database = await testDatabase<Tables>({ migrations: paymentMigrations });
afterAll(() => database.close());

const times = <T>(count: number, act: (n: number) => Promise<T>) =>
  Promise.allSettled(Array.from({ length: count }, (_, n) => act(n)));

const reasonsOf = (outcomes: PromiseSettledResult<unknown>[]) =>
  new Set(outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason.reason] : [])));

const won = (outcomes: PromiseSettledResult<unknown>[]) =>
  outcomes.filter(({ status }) => status === "fulfilled").length;

test("18: a hundred captures at once take the amount once", async () => {
  const payments = createPayments(database.db);
  const { id } = await payments.authorize();
  const outcomes = await times(100, () => payments.capture(id));
  expect(won(outcomes)).toBe(1);
  expect(reasonsOf(outcomes)).toEqual(new Set(["PAYMENT_STATE_CONFLICT"]));
  expect(payments.processor.netMinor()).toBe(1000n);
});

test("18: a hundred refunds at once give back no more than was taken", async () => {
  const payments = createPayments(database.db);
  const { id } = await payments.captured();
  const outcomes = await times(100, () => payments.refund(id, 30n));
  expect(won(outcomes)).toBe(33);
  expect(reasonsOf(outcomes)).toEqual(new Set(["AMOUNT_EXCEEDS_CAPTURED"]));
  expect(payments.processor.netMinor()).toBe(10n);
  const payment = await payments.get(id);
  expect(payment).toMatchObject({ state: "PARTIALLY_REFUNDED", refundedMinor: 990n, refundingMinor: 0n });
});

for (let round = 0; round < 5; round++) {
  test(`19: of captures and voids at once one wins, and nothing else happens (${round})`, async () => {
    const payments = createPayments(database.db);
    const { id } = await payments.authorize();
    const outcomes = await times(20, (n) => (n % 2 === 0 ? payments.capture(id) : payments.void(id)));
    expect(won(outcomes)).toBe(1);
    const { state } = await payments.get(id);
    expect(payments.processor.approved.map(({ kind }) => kind)).toEqual([
      "AUTHORIZE",
      state === "CAPTURED" ? "CAPTURE" : "VOID",
    ]);
  });
}
