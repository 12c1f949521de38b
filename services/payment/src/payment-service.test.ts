import { randomUUID } from "node:crypto";
import { testDatabase } from "@tenon/testing";
import { afterAll, expect, test } from "vitest";
import { createPayments, usd } from "./payment-fixture.ts";
import type { Tables } from "./payment-tables.ts";
import { paymentMigrations } from "./server.ts";

const database = await testDatabase<Tables>({ migrations: paymentMigrations });
afterAll(() => database.close());

const payments = createPayments(database.db);

const rejects = (promise: Promise<unknown>, code: string, reason?: string) =>
  expect(promise).rejects.toMatchObject({ code, ...(reason && { reason }) });

const conflicts = (promise: Promise<unknown>) => rejects(promise, "FAILED_PRECONDITION", "PAYMENT_STATE_CONFLICT");

test("a payment goes from its reservation to its last refund", async () => {
  const authorized = await payments.authorize();
  expect(authorized).toMatchObject({ state: "AUTHORIZED", capturedMinor: 0n, paymentMethod: null });
  const { id } = authorized;
  expect(await payments.capture(id)).toMatchObject({ state: "CAPTURED", capturedMinor: 1000n });
  expect(await payments.refund(id, 400n)).toMatchObject({ state: "PARTIALLY_REFUNDED", refundedMinor: 400n });
  expect(await payments.refund(id, 100n)).toMatchObject({ state: "PARTIALLY_REFUNDED", refundedMinor: 500n });
  expect(await payments.refund(id, 500n)).toMatchObject({
    state: "REFUNDED",
    refundedMinor: 1000n,
    refundingMinor: 0n,
  });
});

test("a reservation is voided", async () => {
  const { id } = await payments.authorize();
  expect(await payments.void(id)).toMatchObject({ state: "VOIDED", capturedMinor: 0n });
});

test("20: each transition is the next version, and its time never goes back", async () => {
  const times = [3000, 2000, 1000, 500];
  const { authorize, capture } = createPayments(database.db, () => new Date(times.shift() ?? 0));
  const { id, version, updatedAt } = await authorize();
  const taken = await capture(id);
  expect(taken.version).toBe(version + 2n);
  expect(taken.updatedAt.getTime()).toBeGreaterThanOrEqual(updatedAt.getTime());
});

test("a decline says why, and lets another payment of the order be tried", async () => {
  const orderId = randomUUID();
  const declined = payments.authorize({ orderId, paymentMethod: "pm_declined" });
  await expect(declined).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    reason: "PAYMENT_DECLINED",
    metadata: { decline_reason: "card_declined" },
  });
  expect(await payments.authorize({ orderId })).toMatchObject({ state: "AUTHORIZED" });
});

test("6: a decline stays a decline under its request id", async () => {
  const requestId = randomUUID();
  const first = {
    requestId,
    orderId: randomUUID(),
    userId: randomUUID(),
    amount: usd(5n),
    paymentMethod: "pm_declined",
  };
  const begin = () => payments.store.atomically((tx) => payments.payments(tx).authorize(first));
  await payments.driver.finish(await begin(), new AbortController().signal);
  expect(await begin()).toMatchObject({ step: { state: "REFUSED" }, payment: { state: "DECLINED" } });
});

test("11: an order that has a payment gets no second one, under whatever request id", async () => {
  const orderId = randomUUID();
  const { id } = await payments.authorize({ orderId });
  await conflicts(payments.authorize({ orderId }));
  await payments.void(id);
  await conflicts(payments.authorize({ orderId }));
});

test("of fifty payments of one order at once one is made", async () => {
  const orderId = randomUUID();
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => payments.authorize({ orderId })));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

for (const minor of [0n, -1n]) {
  test(`a payment or refund of ${minor} is refused`, async () => {
    await rejects(payments.authorize({ minor }), "INVALID_ARGUMENT");
    const { id } = await payments.captured();
    await rejects(payments.refund(id, minor), "INVALID_ARGUMENT");
  });
}

test("15: a refund in another currency is refused", async () => {
  const { id } = await payments.captured();
  await rejects(payments.refund(id, 1n, { currency: "EUR" }), "INVALID_ARGUMENT", "CURRENCY_MISMATCH");
});

test("a refund that would overflow an int64 is refused as too much", async () => {
  const { id } = await payments.captured(2n ** 63n - 1n);
  await payments.refund(id, 1n);
  await rejects(payments.refund(id, 2n ** 63n - 1n), "FAILED_PRECONDITION", "AMOUNT_EXCEEDS_CAPTURED");
});

test("21: each illegal step has its reason, whenever it is tried", async () => {
  const voided = await payments.authorize();
  await payments.void(voided.id);
  const captured = await payments.captured();
  const refunded = await payments.captured();
  await payments.refund(refunded.id, 1000n);
  for (const illegal of [
    () => payments.capture(voided.id),
    () => payments.void(voided.id),
    () => payments.refund(voided.id, 1n),
    () => payments.capture(captured.id),
    () => payments.void(captured.id),
    () => payments.capture(refunded.id),
    () => payments.void(refunded.id),
  ]) {
    await conflicts(illegal());
  }
  await rejects(payments.refund(refunded.id, 1n), "FAILED_PRECONDITION", "AMOUNT_EXCEEDS_CAPTURED");
});

test("21: capture of what the processor holds no longer makes the payment EXPIRED", async () => {
  const payments = createPayments(database.db);
  const { id } = await payments.authorize();
  payments.processor.capture = async () => ({ approved: false, reason: "TRANSACTION_STATE_CONFLICT" });
  await conflicts(payments.capture(id));
  expect(await payments.get(id)).toMatchObject({ state: "EXPIRED", capturedMinor: 0n });
  await conflicts(payments.capture(id));
});

test("an answer that comes twice is written once, whoever brings it", async () => {
  const { id } = await payments.captured();
  const refund = { requestId: randomUUID(), paymentId: id, amount: usd(300n) };
  const { step } = await payments.store.atomically((tx) => payments.payments(tx).refund(refund));
  const answer = (approved: boolean) =>
    payments.store.atomically((tx) =>
      payments
        .payments(tx)
        .settle(step, approved ? { approved, transactionId: randomUUID() } : { approved, reason: "late" }),
    );
  for (const approved of [true, true, false]) {
    expect(await answer(approved)).toMatchObject({
      step: { state: "DONE" },
      payment: { refundedMinor: 300n, refundingMinor: 0n, version: 5n },
    });
  }
});

test("nothing of a payment that is not there can be done", async () => {
  for (const step of [payments.capture, payments.void, (id: string) => payments.refund(id, 1n)]) {
    await rejects(step(randomUUID()), "NOT_FOUND", "PAYMENT_NOT_FOUND");
  }
});

test("a request id that made another step is not taken for this one, however long ago that was", async () => {
  const requestId = randomUUID();
  const { id } = await payments.captured();
  await payments.refund(id, 10n, { requestId });
  expect(await payments.refund(id, 10n, { requestId })).toMatchObject({ refundedMinor: 10n });
  await rejects(payments.refund(id, 11n, { requestId }), "ALREADY_EXISTS", "REQUEST_ID_REUSED");
  const other = await payments.captured();
  await rejects(payments.refund(other.id, 10n, { requestId }), "ALREADY_EXISTS", "REQUEST_ID_REUSED");
});
