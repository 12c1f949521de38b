import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as processorv1 from "@tenon/contracts/processor/v1";
import { StatusError } from "@tenon/errors";
import { fromMinor } from "@tenon/money";
import { expect, test } from "vitest";
import { servePayment } from "../payment-server-fixture.ts";
import { lineOf } from "../processor-fixture.ts";
import type { StatementLine } from "./statement.ts";

const options = { timeoutMs: 10_000 };
const { PaymentState, FindingKind, FindingAction } = paymentv1;

const toWire = (line: StatementLine) => ({
  id: line.transactionId,
  reference: line.reference,
  kind: processorv1.TransactionKind[line.kind],
  state: processorv1.TransactionState[line.state],
  authorizationId: line.authorizationId ?? "",
  amount: fromMinor(line.amount),
  declineReason: line.declineReason,
  createTime: timestampNow(),
});

/** Payment, whose processor calls back. */
async function serve() {
  const served = await servePayment();
  const callbacks = served.connectTo(paymentv1.CallbackService, { service: "processor" });
  const findings = served.connectTo(paymentv1.ReconciliationService, { id: randomUUID(), role: "admin" });
  return {
    ...served,
    notify: (line: StatementLine | undefined) => {
      if (line === undefined) throw new Error("there is no such line");
      return callbacks.notifyTransaction({ transaction: toWire(line) }, options);
    },
    callbacks,
    findings: async () => (await findings.listFindings({}, options)).findings,
    state: async (paymentId: string) => (await served.order.getPayment({ paymentId }, options)).payment?.state,
  };
}

/** A reservation whose answer was lost after the processor made it. */
async function unanswered({ order, processor, authorization }: Awaited<ReturnType<typeof serve>>) {
  const request = authorization();
  processor.faults = {
    after: async () => {
      throw new StatusError("UNAVAILABLE", "the processor did not answer");
    },
  };
  await expect(order.authorizePayment(request, options)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  processor.faults = {};
  const [payment] = (await order.listPayments({ orderId: request.orderId }, options)).payments;
  expect(payment?.state).toBe(PaymentState.AUTHORIZING);
  return { request, id: payment?.id ?? "" };
}

test("26: an answer that was lost comes by callback, and whoever asked gets it without the processor", async () => {
  const served = await serve();
  const { request, id } = await unanswered(served);
  await served.notify(served.processor.lines[0]);
  expect(await served.state(id)).toBe(PaymentState.AUTHORIZED);
  const asked = served.processor.requests;
  expect((await served.order.authorizePayment(request, options)).payment?.id).toBe(id);
  expect(served.processor.requests).toBe(asked);
  expect(await served.findings()).toEqual([]);
});

test("24: double and late callbacks change nothing", async () => {
  const served = await serve();
  const { id } = await served.captured();
  const { payment } = await served.order.getPayment({ paymentId: id }, options);
  const lines = [...served.processor.lines];
  await Promise.all([...lines, ...lines, ...lines.toReversed()].map(served.notify));
  expect((await served.order.getPayment({ paymentId: id }, options)).payment).toEqual(payment);
  expect(await served.findings()).toEqual([]);
  expect(served.processor.lines).toEqual(lines);
});

test("27: the word of a reservation that comes after its payment was voided is released, not taken", async () => {
  const served = await serve();
  const { id } = await unanswered(served);
  const { payment } = await served.order.voidPayment({ requestId: randomUUID(), paymentId: id }, options);
  expect(payment?.state).toBe(PaymentState.VOIDED);
  await served.notify(served.processor.lines[0]);
  expect(await served.state(id)).toBe(PaymentState.VOIDED);
  expect(served.processor.lines.map(({ kind }) => kind)).toEqual(["AUTHORIZE", "VOID"]);
  expect(await served.findings()).toEqual([]);
});

for (const [what, change, kind] of [
  ["says the opposite", { state: "DECLINED", declineReason: "card_declined" }, FindingKind.OUTCOME_DIFFERS],
  ["names another amount", { amount: { currency: "USD", minor: 1n } }, FindingKind.FACTS_DIFFER],
  ["names another kind", { kind: "VOID" }, FindingKind.FACTS_DIFFER],
] as const) {
  test(`34: a callback that ${what} changes no payment and is a finding, once`, async () => {
    const served = await serve();
    const { id } = await served.authorized();
    await served.reconcileSome();
    const line = { ...served.processor.lines[0], ...change } as StatementLine;
    await served.notify(line);
    await served.notify(line);
    expect(await served.state(id)).toBe(PaymentState.AUTHORIZED);
    const reference = line.reference;
    const found = await served.findings();
    expect(found).toMatchObject([{ kind, reference, paymentId: id, action: FindingAction.REPORTED }]);
    expect(found[0]?.resolveTime).toBeUndefined();
  });
}

test("26: an open step is not settled by an answer of another amount", async () => {
  const served = await serve();
  const { id } = await unanswered(served);
  const line = served.processor.lines[0] as StatementLine;
  await served.notify({ ...line, amount: { currency: "USD", minor: 1n } });
  expect(await served.state(id)).toBe(PaymentState.AUTHORIZING);
  expect(await served.findings()).toMatchObject([{ kind: FindingKind.FACTS_DIFFER, paymentId: id }]);
  await served.notify(line);
  expect(await served.state(id)).toBe(PaymentState.AUTHORIZED);
  expect(await served.findings()).toMatchObject([{ resolveTime: expect.anything(), action: FindingAction.SETTLED }]);
});

test("34: a callback about a payment of nobody is a finding, and is taken note of", async () => {
  const served = await serve();
  const line = lineOf("CAPTURE", randomUUID(), randomUUID(), { currency: "USD", minor: 1000n });
  await served.notify(line);
  const { reference } = line;
  expect(await served.findings()).toMatchObject([{ kind: FindingKind.TRANSACTION_UNKNOWN, reference, paymentId: "" }]);
});

const transaction = toWire(lineOf("CAPTURE", randomUUID(), randomUUID(), { currency: "USD", minor: 1000n }));
const malformed: [string, MessageInitShape<typeof processorv1.TransactionSchema> | undefined, string][] = [
  ["nothing", undefined, "transaction"],
  ["no reference", { ...transaction, reference: "" }, "transaction.reference"],
  ["a reference that is no UUID", { ...transaction, reference: "x" }, "transaction.reference"],
  ["no id", { ...transaction, id: "" }, "transaction.id"],
  ["no kind", { ...transaction, kind: 0 }, "transaction.kind"],
  ["a kind that there is not", { ...transaction, kind: 99 as 1 }, "transaction.kind"],
  ["no state", { ...transaction, state: 0 }, "transaction.state"],
  ["an authorization that is no UUID", { ...transaction, authorizationId: "x" }, "transaction.authorization_id"],
  ["a reason without end", { ...transaction, declineReason: "x".repeat(65) }, "transaction.decline_reason"],
  ["no amount", { ...transaction, amount: undefined }, "transaction.amount"],
  [
    "an amount of no currency",
    { ...transaction, amount: { currencyCode: "XX", units: 1n, nanos: 0 } },
    "transaction.amount",
  ],
  [
    "an amount past 2^63",
    { ...transaction, amount: { currencyCode: "USD", units: 2n ** 63n - 1n, nanos: 0 } },
    "transaction.amount",
  ],
];

test("a malformed callback is INVALID_ARGUMENT, names the field, and leaves nothing", async () => {
  const { callbacks, findings } = await serve();
  for (const [what, wrong, field] of malformed) {
    const request = wrong ? { transaction: create(processorv1.TransactionSchema, wrong) } : {};
    const refused = await callbacks.notifyTransaction(request, options).catch((error: unknown) => error);
    expect(refused, what).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect((refused as StatusError).violations[0]?.field, what).toMatch(new RegExp(`^${field}`));
  }
  expect(await findings()).toEqual([]);
});

for (const [who, caller, code] of [
  ["nobody known", undefined, "UNAUTHENTICATED"],
  ["an admin", { id: randomUUID(), role: "admin" }, "PERMISSION_DENIED"],
  ["order", { service: "order" }, "PERMISSION_DENIED"],
] as const) {
  test(`57: ${who} cannot speak for the processor`, async () => {
    const { connectTo } = await servePayment();
    const notified = connectTo(paymentv1.CallbackService, caller).notifyTransaction({ transaction }, options);
    await expect(notified).rejects.toMatchObject({ code });
  });
}
