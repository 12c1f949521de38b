import * as paymentv1 from "@tenon/contracts/payment/v1";
import { StatusError } from "@tenon/errors";
import { createClient, createServer, type Handlers, implement } from "@tenon/grpc";
import { v7 as uuidv7 } from "uuid";
import { afterEach, expect, test } from "vitest";
import { createGrpcPayments } from "./grpc-payments.ts";

const unused = async () => {
  throw new Error("not part of this test");
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The adapter on a payment service that does what the test says. */
function paymentsOn(handlers: Partial<Handlers<typeof paymentv1.PaymentService>>) {
  const all = { getPayment: unused, listPayments: unused, authorizePayment: unused, capturePayment: unused };
  const service = { ...all, voidPayment: unused, refundPayment: unused, ...handlers };
  const server = createServer({ services: [implement(paymentv1.PaymentService, service)] });
  const client = createClient(paymentv1.PaymentService, { target: server });
  closing.push(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  return createGrpcPayments({ client });
}

const signal = AbortSignal.timeout(60_000);
const amount = { currency: "EUR", minor: 1999n };
const [requestId, orderId, userId, paymentId] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()];
const step = { requestId, paymentId };
const authorization = { requestId, orderId, userId, amount, paymentMethod: "pm_ok" };
const { AUTHORIZED, EXPIRED, VOIDED } = paymentv1.PaymentState;
const inState = (state: paymentv1.PaymentState) => async () => ({ payment: { id: paymentId, state } });
const refuse =
  (reason: string, metadata = {}) =>
  async () => {
    throw new StatusError("FAILED_PRECONDITION", "no", { reason, metadata });
  };

test("an authorization is asked for with all that it is about", async () => {
  let asked: paymentv1.AuthorizePaymentRequest | undefined;
  const payments = paymentsOn({
    async authorizePayment(request) {
      asked = request;
      return { payment: { id: paymentId, state: AUTHORIZED } };
    },
  });
  expect(await payments.authorize(authorization, signal)).toMatchObject({ id: paymentId, state: "AUTHORIZED" });
  expect(asked).toMatchObject({
    ...{ requestId, orderId, userId, paymentMethod: "pm_ok" },
    amount: { currencyCode: "EUR", units: 19n, nanos: 990_000_000 },
  });
});

test("a decline is an answer, with the processor's reason", async () => {
  const payments = paymentsOn({
    authorizePayment: refuse("PAYMENT_DECLINED", { decline_reason: "insufficient_funds" }),
  });
  const declined = { id: undefined, state: "DECLINED", declineReason: "insufficient_funds" };
  expect(await payments.authorize(authorization, signal)).toEqual(declined);
});

test("an order that has a payment already is answered with that one", async () => {
  const payments = paymentsOn({
    authorizePayment: refuse("PAYMENT_STATE_CONFLICT"),
    listPayments: async (request) => ({
      payments: request.orderId === orderId ? [{ id: paymentId, state: VOIDED }] : [],
    }),
  });
  expect(await payments.authorize(authorization, signal)).toMatchObject({ id: paymentId, state: "VOIDED" });
});

const steps: readonly (readonly [
  name: "capture" | "release" | "refund",
  method: "capturePayment" | "voidPayment" | "refundPayment",
  done: "CAPTURED" | "VOIDED" | "REFUNDED",
])[] = [
  ["capture", "capturePayment", "CAPTURED"],
  ["release", "voidPayment", "VOIDED"],
  ["refund", "refundPayment", "REFUNDED"],
];
for (const [name, method, done] of steps) {
  test(`${name} answers with the payment as it is then`, async () => {
    const payments = paymentsOn({ [method]: inState(paymentv1.PaymentState[done]) });
    expect(await payments[name]({ ...step, amount }, signal)).toMatchObject({ id: paymentId, state: done });
  });

  test(`${name} that the payment's state forbids answers with that state`, async () => {
    const payments = paymentsOn({ [method]: refuse("PAYMENT_STATE_CONFLICT"), getPayment: inState(EXPIRED) });
    expect(await payments[name]({ ...step, amount }, signal)).toMatchObject({ state: "EXPIRED" });
  });

  for (const code of ["UNAVAILABLE", "ABORTED", "INTERNAL", "NOT_FOUND", "PERMISSION_DENIED"] as const) {
    test(`${name} that ends ${code} leaves the outcome open`, async () => {
      const payments = paymentsOn({
        [method]: async () => {
          throw new StatusError(code, "no");
        },
      });
      await expect(payments[name]({ ...step, amount }, signal)).rejects.toMatchObject({ code, remote: true });
    });
  }
}

test("an answer without a payment, or in a state that we do not know, leaves the outcome open", async () => {
  await expect(paymentsOn({ capturePayment: async () => ({}) }).capture(step, signal)).rejects.toThrow("without");
  const payments = paymentsOn({ capturePayment: inState(99 as paymentv1.PaymentState) });
  await expect(payments.capture(step, signal)).rejects.toThrow("without");
});
