import { randomUUID } from "node:crypto";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { runScript } from "../payment-fixture.ts";
import { LEASE_MS, servePayment, usd } from "../payment-server-fixture.ts";
import { lineOf, type TestProcessor } from "../processor-fixture.ts";
import type { StatementLine } from "./statement.ts";

const options = { timeoutMs: 10_000 };
const { PaymentState, FindingKind, FindingAction, FindingState } = paymentv1;
const MINUTE_MS = 60_000;

async function serve() {
  const served = await servePayment();
  const admin = served.connectTo(paymentv1.ReconciliationService, { id: randomUUID(), role: "admin" });
  return {
    ...served,
    admin,
    findings: async (state: paymentv1.FindingState = FindingState.UNSPECIFIED) =>
      (await admin.listFindings({ state }, options)).findings,
    get: async (paymentId: string) => (await served.order.getPayment({ paymentId }, options)).payment,
    refund: (paymentId: string, units: bigint) =>
      served.order.refundPayment({ requestId: randomUUID(), paymentId, amount: usd(units) }, options),
    /** By hand: all of it, now. */
    reconcile: () => Array.fromAsync(admin.reconcile({}, options)),
  };
}

type Served = Awaited<ReturnType<typeof serve>>;

const silent = async () => {
  throw new StatusError("UNAVAILABLE", "the processor did not answer");
};

/** The line that the processor has of a kind, to be changed by the test. */
function take({ lines }: TestProcessor, kind: StatementLine["kind"], change?: Partial<StatementLine>): StatementLine {
  const at = lines.findIndex((line) => line.kind === kind);
  const line = lines[at];
  if (line === undefined) throw new Error(`there is no ${kind} in the statement`);
  lines.splice(at, 1, ...(change ? [{ ...line, ...change }] : []));
  return line;
}

/** The books' own guards are off for a statement: what only the owner of the database can do. */
const tamper = ({ db }: Served, statement: string) =>
  runScript(
    db,
    `grant update, delete on ledger_entries, ledger_postings to current_user;
    alter table ledger_entries disable trigger user; ${statement}; alter table ledger_entries enable trigger user`,
  );

test("34: after everything that can happen to payments, all three agree, and each line is compared once", async () => {
  const served = await serve();
  const { order, authorized, captured, processor, authorization, clock } = served;
  await authorized();
  await captured();
  const refunded = await captured();
  await served.refund(refunded.id, 4n);
  await served.refund(refunded.id, 6n);
  const voided = await authorized();
  await order.voidPayment({ requestId: randomUUID(), paymentId: voided.id }, options);
  const declined = order.authorizePayment(authorization({ paymentMethod: "pm_declined" }), options);
  await expect(declined).rejects.toMatchObject({ reason: "PAYMENT_DECLINED" });
  // Voided while the answer to the reservation was lost.
  processor.faults = { after: silent };
  const lost = authorization();
  await expect(order.authorizePayment(lost, options)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  processor.faults = {};
  const [open] = (await order.listPayments({ orderId: lost.orderId }, options)).payments;
  await order.voidPayment({ requestId: randomUUID(), paymentId: open?.id ?? "" }, options);
  clock.advance(3_600_001);
  expect(await served.expireStale()).toBe(1);
  processor.pageSize = 4;
  const steps = await served.reconcile();
  expect(steps.at(-1)).toMatchObject({
    transactions: BigInt(processor.lines.length),
    repairs: 0n,
    openFindings: 0n,
    complete: true,
  });
  expect(steps.length).toBeGreaterThan(2);
  expect(await served.findings()).toEqual([]);
  expect((await served.reconcile()).at(-1)).toMatchObject({ transactions: 0n, complete: true });
  const left = await served.db.selectFrom("steps").select("id").where("compared_at", "is", null).execute();
  expect(left).toEqual([]);
});

for (const [kind, state, begin] of [
  ["AUTHORIZE", PaymentState.AUTHORIZED, undefined],
  ["CAPTURE", PaymentState.CAPTURED, "authorized"],
  ["REFUND", PaymentState.PARTIALLY_REFUNDED, "captured"],
] as const) {
  test(`26: ${kind} was done at the processor and its answer lost: taken over, not asked again, and told`, async () => {
    const served = await serve();
    const { order, processor, clock, authorization } = served;
    const payment = begin && (await served[begin]());
    const request = { requestId: randomUUID(), paymentId: payment?.id ?? "" };
    const wanted = authorization();
    processor.faults = { after: silent };
    const lost = {
      AUTHORIZE: () => order.authorizePayment(wanted, options),
      CAPTURE: () => order.capturePayment(request, options),
      REFUND: () => order.refundPayment({ ...request, amount: usd(4n) }, options),
    }[kind];
    await expect(lost()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    clock.advance(2 * MINUTE_MS);
    const asked = processor.requests;
    await served.reconcileSome();
    expect(processor.requests).toBe(asked);
    const [found] = (await order.listPayments({ orderId: payment?.orderId ?? wanted.orderId }, options)).payments;
    expect(found?.state).toBe(state);
    expect(await served.findings()).toMatchObject([
      {
        kind: FindingKind.ANSWER_LOST,
        paymentId: found?.id,
        action: FindingAction.SETTLED,
        resolveTime: expect.anything(),
      },
    ]);
    expect((await lost()).payment?.state).toBe(state);
  });
}

test("26: an answer that was lost a moment ago is taken over without a word", async () => {
  const served = await serve();
  served.processor.faults = { after: silent };
  await expect(served.authorized()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await served.reconcileSome();
  expect(await served.findings()).toEqual([]);
  served.clock.advance(LEASE_MS);
  expect(await served.finishDueSteps()).toBe(0);
});

for (const [what, kind, spoil] of [
  ["the processor lost a capture", "TRANSACTION_MISSING", (served) => take(served.processor, "CAPTURE")],
  [
    "the processor took another amount",
    "FACTS_DIFFER",
    (served) => take(served.processor, "CAPTURE", { amount: { currency: "USD", minor: 999n } }),
  ],
  [
    "the processor says that it declined",
    "OUTCOME_DIFFERS",
    (served) => take(served.processor, "AUTHORIZE", { state: "DECLINED", declineReason: "card_declined" }),
  ],
  [
    "the books lost an entry",
    "BOOKS_DIFFER",
    (served) => tamper(served, "delete from ledger_entries where movement = 'CAPTURE'"),
  ],
] as [string, keyof typeof FindingKind, (served: Served) => unknown][]) {
  test(`34: ${what}: ${kind} is found once, stands in the log of findings, and changes no payment`, async () => {
    const served = await serve();
    const { id } = await served.captured();
    const before = await served.get(id);
    await spoil(served);
    for (let round = 0; round < 3; round++) await served.reconcileSome();
    const found = await served.findings(FindingState.OPEN);
    expect(found).toMatchObject([{ kind: FindingKind[kind], paymentId: id, action: FindingAction.REPORTED }]);
    expect(await served.get(id)).toEqual(before);
    expect((await served.reconcile()).at(-1)).toMatchObject({ openFindings: 1n, complete: true });
  });
}

test("34: a finding that no longer holds is resolved, and may be found anew", async () => {
  const served = await serve();
  await served.captured();
  const line = take(served.processor, "CAPTURE");
  await served.reconcileSome();
  expect(await served.findings(FindingState.OPEN)).toHaveLength(1);
  served.processor.lines.push(line);
  served.clock.advance(MINUTE_MS);
  await served.reconcileSome();
  expect(await served.findings(FindingState.OPEN)).toEqual([]);
  expect(await served.findings(FindingState.RESOLVED)).toMatchObject([{ kind: FindingKind.TRANSACTION_MISSING }]);
});

test("34: money that the processor moved for nobody is found, whatever page it is on", async () => {
  const served = await serve();
  served.processor.pageSize = 2;
  for (let n = 0; n < 3; n++) await served.captured();
  const line = lineOf("CAPTURE", randomUUID(), randomUUID(), { currency: "USD", minor: 7n });
  served.processor.lines.push(line);
  await served.reconcileSome();
  const expected = { kind: FindingKind.TRANSACTION_UNKNOWN, reference: line.reference, paymentId: "" };
  expect(await served.findings()).toMatchObject([expected]);
});

test("34: a refund that was made behind our back is taken into the payment and the books, once", async () => {
  const served = await serve();
  const { id } = await served.captured();
  const [{ transactionId = "" } = {}] = served.processor.lines;
  const line = lineOf("REFUND", randomUUID(), transactionId, { currency: "USD", minor: 400n });
  served.processor.lines.push(line);
  for (let round = 0; round < 2; round++) await served.reconcileSome();
  expect(await served.get(id)).toMatchObject({ state: PaymentState.PARTIALLY_REFUNDED, refundedAmount: usd(4n) });
  expect(await served.findings()).toMatchObject([
    { kind: FindingKind.TRANSACTION_UNKNOWN, action: FindingAction.ADOPTED, resolveTime: expect.anything() },
  ]);
  // What is left can be given back as ever, and no more than that.
  await expect(served.refund(id, 7n)).rejects.toMatchObject({ reason: "AMOUNT_EXCEEDS_CAPTURED" });
  await served.refund(id, 6n).catch(() => {});
});

for (const [what, minor, currency] of [
  ["of more than was taken", 1001n, "USD"],
  ["in another currency", 400n, "JPY"],
] as const) {
  test(`34: a refund behind our back ${what} is only reported`, async () => {
    const served = await serve();
    const { id } = await served.captured();
    const [{ transactionId = "" } = {}] = served.processor.lines;
    served.processor.lines.push(lineOf("REFUND", randomUUID(), transactionId, { currency, minor }));
    await served.reconcileSome();
    expect(await served.get(id)).toMatchObject({ state: PaymentState.CAPTURED });
    expect(await served.findings(FindingState.OPEN)).toMatchObject([{ kind: FindingKind.TRANSACTION_UNKNOWN }]);
  });
}

test("25: two that reconcile at once do each thing once", async () => {
  const served = await serve();
  served.processor.pageSize = 3;
  for (let n = 0; n < 4; n++) await served.captured();
  served.processor.faults = { after: silent };
  await expect(served.authorized()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  take(served.processor, "CAPTURE");
  served.clock.advance(2 * MINUTE_MS);
  await Promise.all([served.reconcile(), served.reconcile(), served.reconcileSome()]);
  await served.reconcileSome();
  const kinds = (await served.findings()).map(({ kind }) => kind).sort();
  expect(kinds).toEqual([FindingKind.ANSWER_LOST, FindingKind.TRANSACTION_MISSING]);
});

test("findings come in pages, of all or of those that are open", async () => {
  const served = await serve();
  for (let n = 0; n < 3; n++) {
    served.processor.lines.push(lineOf("CAPTURE", randomUUID(), randomUUID(), { currency: "USD", minor: 7n }));
  }
  await served.reconcileSome();
  const first = await served.admin.listFindings({ pageSize: 2 }, options);
  const last = await served.admin.listFindings({ pageSize: 2, pageToken: first.nextPageToken }, options);
  expect([...first.findings, ...last.findings]).toHaveLength(3);
  expect(last.nextPageToken).toBe("");
  const open = { pageToken: first.nextPageToken, state: FindingState.OPEN };
  await expect(served.admin.listFindings(open, options)).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  const wrong = served.admin.listFindings({ state: 9 as 1 }, options);
  await expect(wrong).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

for (const [who, caller, code] of [
  ["nobody known", undefined, "UNAUTHENTICATED"],
  ["a user", { id: randomUUID() }, "PERMISSION_DENIED"],
  ["the processor", { service: "processor" }, "PERMISSION_DENIED"],
] as const) {
  test(`56: findings are not shown to ${who}, who reconciles nothing either`, async () => {
    const { connectTo } = await servePayment();
    const client = connectTo(paymentv1.ReconciliationService, caller);
    await expect(client.listFindings({}, options)).rejects.toMatchObject({ code });
    await expect(Array.fromAsync(client.reconcile({}, options))).rejects.toMatchObject({ code });
  });
}
