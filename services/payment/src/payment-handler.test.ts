import { randomUUID } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import type { CallOptions } from "@tenon/grpc";
import { expect, test } from "vitest";
import { servePayment, usd } from "./payment-server-fixture.ts";

const options = { timeoutMs: 10_000 };

/** Call options that tell afterwards whether the answer was a repetition. */
function watched(): CallOptions & { replayed(): boolean } {
  let replayed = false;
  return {
    ...options,
    onTrailers: (trailers) => {
      replayed = trailers.get("idempotent-replayed")[0] === "true";
    },
    replayed: () => replayed,
  };
}

test("a payment on the wire has its amounts, its state and its version", async () => {
  const { order, authorized } = await servePayment();
  const { id: paymentId } = await authorized({ amount: usd(12n, 340_000_000) });
  const { payment } = await order.capturePayment({ requestId: randomUUID(), paymentId }, options);
  expect(payment).toMatchObject({
    id: paymentId,
    amount: usd(12n, 340_000_000),
    capturedAmount: usd(12n, 340_000_000),
    refundedAmount: usd(0n),
    state: paymentv1.PaymentState.CAPTURED,
    etag: "4",
  });
});

test("1: repetitions of a request have one effect and the same answer, byte by byte", async () => {
  const { order, authorization, processor } = await servePayment();
  const request = authorization();
  const answers = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    const call = watched();
    answers.push(toBinary(paymentv1.AuthorizePaymentResponseSchema, await order.authorizePayment(request, call)));
    expect(call.replayed()).toBe(attempt > 0);
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
  expect(processor.requests).toBe(1);
});

test("2: fifty attempts at once have one effect, and the others replay it or are asked to wait", async () => {
  const { order, captured, processor } = await servePayment();
  const { id: paymentId } = await captured();
  const request = { requestId: randomUUID(), paymentId, amount: usd(4n) };
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => order.refundPayment(request, options)));
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") expect(outcome.value.payment?.refundedAmount).toMatchObject(usd(4n));
    else expect(outcome.reason).toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS" });
  }
  expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
  expect(processor.netMinor()).toBe(600n);
});

for (const [what, change] of [
  ["amount", { amount: usd(11n) }],
  ["currency", { amount: { ...usd(10n), currencyCode: "EUR" } }],
  ["order", { orderId: randomUUID() }],
  ["user", { userId: randomUUID() }],
  ["payment method", { paymentMethod: "pm_slow" }],
] as const) {
  test(`3: a request id used again with another ${what} is refused without effect`, async () => {
    const { order, authorization, processor } = await servePayment();
    const request = authorization();
    await order.authorizePayment(request, options);
    await expect(order.authorizePayment({ ...request, ...change }, options)).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      reason: "REQUEST_ID_REUSED",
    });
    expect(processor.requests).toBe(1);
  });
}

test("4: the same id on another method is another request", async () => {
  const { order, authorized } = await servePayment();
  const requestId = randomUUID();
  const { id: paymentId } = await authorized({ requestId });
  await order.capturePayment({ requestId, paymentId }, options);
  const { payment } = await order.refundPayment({ requestId, paymentId, amount: usd(1n) }, options);
  expect(payment?.state).toBe(paymentv1.PaymentState.PARTIALLY_REFUNDED);
});

test("5: an id whose request was not valid may be used again with a valid one", async () => {
  const { order, authorization, authorized } = await servePayment();
  const requestId = randomUUID();
  const invalid = authorization({ requestId, amount: { ...usd(1n), nanos: -1 } });
  await expect(order.authorizePayment(invalid, options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect((await authorized({ requestId })).state).toBe(paymentv1.PaymentState.AUTHORIZED);
});

test("6: a decline is repeated as it was, and another id may succeed", async () => {
  const { order, authorization, processor } = await servePayment();
  const request = authorization({ paymentMethod: "pm_declined" });
  const decline = {
    code: "FAILED_PRECONDITION",
    reason: "PAYMENT_DECLINED",
    metadata: { decline_reason: "card_declined" },
  };
  await expect(order.authorizePayment(request, options)).rejects.toMatchObject(decline);
  await expect(order.authorizePayment(request, options)).rejects.toMatchObject(decline);
  expect(processor.requests).toBe(1);
  const second = { ...request, requestId: randomUUID(), paymentMethod: "pm_ok" };
  expect((await order.authorizePayment(second, options)).payment?.state).toBe(paymentv1.PaymentState.AUTHORIZED);
});

for (const [what, change, field] of [
  ["an id that is no UUID", { requestId: "1" }, "request_id"],
  ["an empty id", { requestId: "" }, "request_id"],
  ["a huge id", { requestId: "a".repeat(10_000) }, "request_id"],
  ["an order that is no UUID", { orderId: "' or 1=1" }, "order_id"],
  ["no amount", { amount: undefined }, "amount"],
  ["an amount of nothing", { amount: usd(0n) }, "amount"],
  ["an amount below nothing", { amount: usd(-1n) }, "amount"],
  ["mixed signs", { amount: usd(1n, -10_000_000) }, "amount"],
  ["half a cent", { amount: usd(1n, 5_000_000) }, "amount"],
  ["half a yen", { amount: { currencyCode: "JPY", units: 1n, nanos: 500_000_000 } }, "amount"],
  ["half a fils", { amount: { currencyCode: "KWD", units: 1n, nanos: 1_500_000 } }, "amount"],
  ["a currency that nobody has", { amount: { ...usd(1n), currencyCode: "XQX" } }, "amount"],
  ["more cents than an int64 holds", { amount: usd(2n ** 63n - 1n) }, "amount"],
  ["no currency", { amount: { ...usd(1n), currencyCode: "" } }, "amount"],
  ["a payment method of another shape", { paymentMethod: "4111111111111111" }, "payment_method"],
] as const) {
  test(`10, 13: ${what} is INVALID_ARGUMENT and names ${field}`, async () => {
    const { order, authorization, processor } = await servePayment();
    const error = await order.authorizePayment(authorization(change), options).then(
      () => undefined,
      (error) => error,
    );
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", violations: [{ field }] });
    expect(error.message).not.toContain("4111");
    expect(processor.requests).toBe(0);
  });
}

test("13: a yen is whole and a dinar has a thousand fils, and the processor is asked for exactly that", async () => {
  const { authorized, processor } = await servePayment();
  for (const amount of [
    { currencyCode: "JPY", units: 500n, nanos: 0 },
    { currencyCode: "KWD", units: 1n, nanos: 1_000_000 },
  ]) {
    expect((await authorized({ amount })).amount).toMatchObject(amount);
  }
  expect(processor.approved.map(({ minor }) => minor)).toEqual([500n, 1001n]);
});

test("11: years later a request is still answered as it was, and another one for the same order is refused", async () => {
  const { order, authorization, authorized, clock, processor } = await servePayment();
  const request = authorization();
  const first = await authorized(request);
  clock.advance(1000 * 24 * 3_600_000);
  expect((await order.authorizePayment(request, options)).payment).toEqual(first);
  const again = { ...request, requestId: randomUUID() };
  await expect(order.authorizePayment(again, options)).rejects.toMatchObject({ reason: "PAYMENT_STATE_CONFLICT" });
  expect(processor.requests).toBe(1);
});

test("only order moves money", async () => {
  const { connect, authorization } = await servePayment();
  for (const [caller, code] of [
    [undefined, "UNAUTHENTICATED"],
    [{ id: randomUUID() }, "PERMISSION_DENIED"],
    [{ id: randomUUID(), role: "admin" }, "PERMISSION_DENIED"],
    [{ service: "user" }, "PERMISSION_DENIED"],
  ] as const) {
    await expect(connect(caller).authorizePayment(authorization(), options)).rejects.toMatchObject({ code });
  }
});

test("56: a user sees his own payment, and learns nothing of others", async () => {
  const { connect, order, authorized } = await servePayment();
  const { id: paymentId, userId } = await authorized();
  const nobody = { paymentId: randomUUID() };
  expect((await connect({ id: userId }).getPayment({ paymentId }, options)).payment?.id).toBe(paymentId);
  const other = connect({ id: randomUUID() });
  for (const request of [{ paymentId }, nobody]) {
    await expect(other.getPayment(request, options)).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "NOT_ALLOWED",
    });
  }
  expect((await other.listPayments({}, options)).payments).toEqual([]);
  for (const caller of [order, connect({ id: randomUUID(), role: "admin" })]) {
    expect((await caller.getPayment({ paymentId }, options)).payment?.id).toBe(paymentId);
    await expect(caller.getPayment(nobody, options)).rejects.toMatchObject({
      code: "NOT_FOUND",
      reason: "PAYMENT_NOT_FOUND",
    });
  }
});

test("45: a list goes through every payment once, the newest first, and its tokens are for it alone", async () => {
  const { connect, order, authorized } = await servePayment();
  const userId = randomUUID();
  const made: string[] = [];
  for (let n = 0; n < 5; n++) made.unshift((await authorized({ userId })).id);
  await authorized();
  const user = connect({ id: userId });
  const seen: string[] = [];
  for (let pageToken = ""; ; ) {
    const page = await user.listPayments({ pageSize: 2, pageToken }, options);
    seen.push(...page.payments.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
    await expect(order.listPayments({ pageSize: 2, pageToken }, options)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "PAGE_TOKEN_INVALID",
    });
  }
  expect(seen).toEqual(made);
  expect((await order.listPayments({}, options)).payments).toHaveLength(6);
  await expect(order.listPayments({ pageSize: -1 }, options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a list of one order has its payments only", async () => {
  const { order, authorized } = await servePayment();
  const { id, orderId } = await authorized();
  await authorized();
  const { payments } = await order.listPayments({ orderId: orderId.toUpperCase() }, options);
  expect(payments.map((payment) => payment.id)).toEqual([id]);
});
