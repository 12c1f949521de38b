import type { Page } from "@tenon/database";
import type { StatusError } from "@tenon/errors";
import type { Money } from "@tenon/money";
import { entryOf, type Movement } from "./ledger/ledger.ts";
import {
  newPayment,
  type Payment,
  type PaymentFilter,
  type PaymentStore,
  type Step,
  type StepKind,
  type Work,
} from "./payment.ts";
import * as errors from "./payment-errors.ts";
import { isAllowed, type PaymentState } from "./payment-states.ts";
import type { Verdict } from "./processor.ts";
import { expiryRequestId, referenceOf } from "./reference.ts";
import { afterRefund, settlementOf } from "./settlement.ts";

export interface PaymentServiceOptions {
  store: PaymentStore;
  now: () => Date;
  newId: () => string;
  /** How long an attempt has a step for itself before the worker takes it up; by default 10 s. */
  leaseMs?: number;
}

export interface AuthorizeOrder {
  requestId: string;
  orderId: string;
  userId: string;
  amount: Money;
  paymentMethod: string;
}

interface AboutPayment {
  requestId: string;
  paymentId: string;
}

export interface AdoptRefund {
  /** The processor's. */
  reference: string;
  authorizationId: string;
  amount: Money;
}

export type PaymentService = ReturnType<typeof createPaymentService>;

/**
 * The rules of payments. A change is two transactions with a request to the processor between them: the first, here
 * `authorize` to `refund`, writes what is about to be asked; the second, `settle`, writes the answer. The store given is
 * that of the transaction. A request id that was here before gets the step that it made, whoever finished it.
 */
export function createPaymentService({ store, now, newId, leaseMs = 10_000 }: PaymentServiceOptions) {
  return {
    async authorize({ requestId, orderId, userId, amount, paymentMethod }: AuthorizeOrder): Promise<Work> {
      if (amount.minor <= 0n) throw errors.notPositive();
      const isSame = ({ payment }: Work) =>
        payment.orderId === orderId && payment.userId === userId && isEqual(payment.amount, amount);
      return once("AUTHORIZE", requestId, isSame, async () => {
        const payment = newPayment({ id: newId(), orderId, userId, amount, paymentMethod, createdAt: now() });
        if (!(await store.insert(payment))) throw errors.stateConflict("the order has a payment already");
        return start("AUTHORIZE", requestId, payment, amount);
      });
    },

    capture: (request: AboutPayment) => takeWhole("CAPTURE", "CAPTURING", request),

    void: (request: AboutPayment) => takeWhole("VOID", "VOIDING", request),

    async refund({ requestId, paymentId, amount }: AboutPayment & { amount: Money }): Promise<Work> {
      if (amount.minor <= 0n) throw errors.notPositive();
      const isSame = ({ payment, step }: Work) => payment.id === paymentId && isEqual(step.amount, amount);
      return once("REFUND", requestId, isSame, async () => {
        const payment = await locked(paymentId);
        if (amount.currency !== payment.amount.currency) throw errors.currencyMismatch(payment.amount.currency);
        if (payment.capturedMinor === 0n) throw notFrom(payment, "refunded");
        if (amount.minor > leftMinor(payment)) throw errors.exceedsCaptured();
        const refundingMinor = payment.refundingMinor + amount.minor;
        const work = await start("REFUND", requestId, await store.note(payment, { refundingMinor }), amount);
        await post("RESERVE_REFUND", work.step);
        return work;
      });
    },

    /**
     * Gives up a reservation that was made at `authorizedBefore` or earlier; undefined where it was taken or released
     * meanwhile. That the processor releases it is a step that follows, and changes nothing of the payment.
     */
    async expire(paymentId: string, authorizedBefore: Date): Promise<Work | undefined> {
      const payment = await locked(paymentId);
      if (payment.state !== "AUTHORIZED" || payment.updatedAt > authorizedBefore) return undefined;
      const expired = await store.transit(payment, "EXPIRED", {}, now());
      const work = await start("VOID", expiryRequestId(paymentId), expired, payment.amount);
      await post("RELEASE", work.step);
      return work;
    },

    /** Writes the processor's answer, unless another attempt has. */
    async settle(step: Step, verdict: Verdict): Promise<Work> {
      const payment = await locked(step.paymentId);
      const settlement = settlementOf(step, payment, verdict);
      if (!(await store.settleStep(step.id, settlement.step))) return current(step);
      const settled = { ...step, state: settlement.step };
      if (settlement.movement) await post(settlement.movement, step);
      if (settlement.state === undefined)
        return { step: settled, payment: await store.note(payment, settlement.facts) };
      return { step: settled, payment: await store.transit(payment, settlement.state, settlement.facts, now()) };
    },

    /**
     * Takes in a refund that the processor made without us: the money is gone, whoever asked for it. Undefined where the
     * authorization is none of ours, or less is left than was given back.
     */
    async adoptRefund({ reference, authorizationId, amount }: AdoptRefund): Promise<Payment | undefined> {
      const found = await store.findByAuthorization(authorizationId);
      if (found === undefined) return undefined;
      const payment = await locked(found.id);
      const isLeft = amount.minor > 0n && amount.minor <= leftMinor(payment);
      if (!isLeft || amount.currency !== payment.amount.currency) return undefined;
      const about = { id: reference, paymentId: payment.id, requestId: reference, amount, attempts: 0 };
      const step: Step = { ...about, kind: "REFUND", state: "DONE" };
      await store.insertStep(step, { createdAt: now(), leaseExpiresAt: now() });
      await post("RESERVE_REFUND", step);
      await post("REFUND", step);
      const { state, refundedMinor } = afterRefund(payment, amount.minor);
      return store.transit(payment, state, { refundedMinor }, now());
    },

    /** NOT_FOUND to those who may see every payment, PERMISSION_DENIED to a user, be it there or not. */
    async get(id: string, { userId }: { userId?: string | undefined }): Promise<Payment> {
      const payment = await store.find(id, { userId });
      if (payment === undefined) throw userId === undefined ? errors.paymentNotFound() : errors.notAllowed();
      return payment;
    },

    list: (page: Page, filter: PaymentFilter) => store.list(page, filter),
  };

  /** The step that this request made before, or what `begin` makes of it now. */
  async function once(kind: StepKind, requestId: string, isSame: (work: Work) => boolean, begin: () => Promise<Work>) {
    const work = await store.findStep(kind, requestId);
    if (work === undefined) return begin();
    if (!isSame(work)) throw errors.requestIdReused();
    return work;
  }

  function takeWhole(kind: "CAPTURE" | "VOID", state: PaymentState, { requestId, paymentId }: AboutPayment) {
    return once(
      kind,
      requestId,
      ({ payment }) => payment.id === paymentId,
      async () => {
        const payment = await locked(paymentId);
        if (!isAllowed(payment.state, state)) throw notFrom(payment, kind === "VOID" ? "voided" : "captured");
        return start(kind, requestId, await store.transit(payment, state, {}, now()), payment.amount);
      },
    );
  }

  async function start(kind: StepKind, requestId: string, payment: Payment, amount: Money): Promise<Work> {
    const id = referenceOf(payment.id, kind, requestId);
    const step: Step = { id, paymentId: payment.id, kind, requestId, amount, state: "PENDING", attempts: 0 };
    const createdAt = now();
    await store.insertStep(step, { createdAt, leaseExpiresAt: new Date(createdAt.getTime() + leaseMs) });
    return { step, payment };
  }

  function post(movement: Movement, { id: stepId, paymentId, amount }: Step): Promise<void> {
    return store.post(entryOf(movement, { id: newId(), paymentId, stepId, amount, createdAt: now() }));
  }

  async function current({ kind, requestId }: Step): Promise<Work> {
    const work = await store.findStep(kind, requestId);
    if (work === undefined) throw new Error("a step is gone");
    return work;
  }

  async function locked(id: string): Promise<Payment> {
    const payment = await store.lock(id);
    if (payment === undefined) throw errors.paymentNotFound();
    return payment;
  }
}

/** What a settled step is to who asked for it: the payment, or the reason why not, for good. */
export function answerOf({ step, payment }: Work): Payment | StatusError {
  if (step.state === "PENDING") throw new Error("a step was answered before the processor was");
  if (step.state === "DONE") return payment;
  if (step.kind === "REFUND") return errors.exceedsCaptured();
  if (step.kind === "AUTHORIZE" && payment.state === "DECLINED") return errors.declined(payment.declineReason);
  return errors.stateConflict(
    step.kind === "AUTHORIZE" ? "the payment was voided while it was authorized" : "the reservation has run out",
  );
}

/** What could still be given back. */
const leftMinor = ({ capturedMinor, refundedMinor, refundingMinor }: Payment): bigint =>
  capturedMinor - refundedMinor - refundingMinor;

const isEqual = (a: Money, b: Money): boolean => a.currency === b.currency && a.minor === b.minor;

const notFrom = ({ state }: Payment, done: string) =>
  errors.stateConflict(`a payment that is ${state} cannot be ${done}`);
