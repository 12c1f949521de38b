import { randomUUID } from "node:crypto";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { expect, test } from "vitest";
import { verifyLedger } from "./ledger/verify-ledger.ts";
import { LEASE_MS, MAX_AGE_MS, servePayment } from "./payment-server-fixture.ts";

const options = { timeoutMs: 10_000 };
const { PaymentState, LedgerMovement } = paymentv1;
const ADMIN = { id: randomUUID(), role: "admin" } as const;

type Served = Awaited<ReturnType<typeof servePayment>>;

const stateOf = async ({ order }: Served, paymentId: string) =>
  (await order.getPayment({ paymentId }, options)).payment?.state;

const capture = ({ order }: Served, paymentId: string) =>
  order.capturePayment({ requestId: randomUUID(), paymentId }, options);

const conflict = { code: "FAILED_PRECONDITION", reason: "PAYMENT_STATE_CONFLICT" };

test("a reservation that is not taken in time expires, and the processor releases it", async () => {
  const served = await servePayment();
  const { clock, expireStale, processor, authorized, captured } = served;
  const { id } = await authorized();
  const { id: taken } = await captured();
  clock.advance(MAX_AGE_MS - 1);
  expect(await expireStale()).toBe(0);
  const { id: young } = await authorized();
  clock.advance(1);
  expect(await expireStale()).toBe(1);
  expect(await expireStale()).toBe(0);
  expect(await stateOf(served, id)).toBe(PaymentState.EXPIRED);
  expect(await stateOf(served, taken)).toBe(PaymentState.CAPTURED);
  expect(await stateOf(served, young)).toBe(PaymentState.AUTHORIZED);
  expect(processor.approved.at(-1)).toMatchObject({ kind: "VOID", minor: 1000n });

  const { entries } = await served.connectTo(paymentv1.LedgerService, ADMIN).listEntries({ paymentId: id }, options);
  expect(entries.map(({ movement }) => movement)).toEqual([LedgerMovement.RELEASE, LedgerMovement.HOLD]);
  await Array.fromAsync(verifyLedger(served.db));
});

test("21: what has expired can neither be captured nor voided", async () => {
  const served = await servePayment();
  const { id: paymentId } = await served.authorized();
  served.clock.advance(MAX_AGE_MS);
  await served.expireStale();
  await expect(capture(served, paymentId)).rejects.toMatchObject(conflict);
  const voided = served.order.voidPayment({ requestId: randomUUID(), paymentId }, options);
  await expect(voided).rejects.toMatchObject(conflict);
});

for (let round = 0; round < 5; round++) {
  test(`19: of captures, voids and expiries at once exactly one wins (${round})`, async () => {
    const served = await servePayment();
    const { id: paymentId } = await served.authorized();
    served.clock.advance(MAX_AGE_MS);
    const rivals = [
      () => served.expireStale().then((count) => count > 0 || Promise.reject(conflict)),
      () => capture(served, paymentId),
      () => served.order.voidPayment({ requestId: randomUUID(), paymentId }, options),
    ];
    const raced = Array.from({ length: 9 }, (_, n) => rivals[(n + round) % rivals.length]?.());
    const outcomes = await Promise.allSettled(raced);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const kinds = served.processor.approved.map(({ kind }) => kind);
    const state = await stateOf(served, paymentId);
    expect(kinds).toEqual(["AUTHORIZE", state === PaymentState.CAPTURED ? "CAPTURE" : "VOID"]);
    await Array.fromAsync(verifyLedger(served.db));
  });
}

for (const point of ["before", "after"] as const) {
  test(`25: killed ${point} the processor released what has expired: the worker ends it, and it is released once`, async () => {
    const served = await servePayment();
    const { id } = await served.authorized();
    served.clock.advance(MAX_AGE_MS);
    const died = new Promise<void>((reached) => {
      served.processor.faults = {
        [point]: () => {
          served.processor.faults = {};
          reached();
          return new Promise<never>(() => {});
        },
      };
    });
    void served.expireStale();
    await died;
    expect(await stateOf(served, id)).toBe(PaymentState.EXPIRED);
    served.clock.advance(LEASE_MS);
    expect(await served.finishDueSteps()).toBe(1);
    expect(served.processor.approved.map(({ kind }) => kind)).toEqual(["AUTHORIZE", "VOID"]);
  });
}

test("where the processor's own reservation ran out first, there is nothing left to release", async () => {
  const served = await servePayment();
  const { id } = await served.authorized();
  served.clock.advance(MAX_AGE_MS);
  served.processor.void = async () => ({ approved: false, reason: "TRANSACTION_STATE_CONFLICT" });
  expect(await served.expireStale()).toBe(1);
  served.clock.advance(LEASE_MS);
  expect(await served.finishDueSteps()).toBe(0);
  expect(await stateOf(served, id)).toBe(PaymentState.EXPIRED);
});
