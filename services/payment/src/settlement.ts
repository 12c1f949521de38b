import type { Movement } from "./ledger/ledger.ts";
import type { Payment, PaymentFacts, Step, StepKind } from "./payment.ts";
import type { PaymentState } from "./payment-states.ts";
import type { Verdict } from "./processor.ts";

/** What the processor's answer makes of a step and its payment. */
export interface Settlement {
  readonly step: "DONE" | "REFUSED";
  /** Unset: the payment stays in its state. */
  readonly state?: PaymentState;
  readonly facts: PaymentFacts;
  /** What the ledger learns of the step's amount; unset where no money moved. */
  readonly movement?: Movement;
}

/** What a payment is once more of it was given back. */
export function afterRefund(payment: Payment, amountMinor: bigint) {
  const refundedMinor = payment.refundedMinor + amountMinor;
  return { refundedMinor, state: refundedMinor === payment.capturedMinor ? "REFUNDED" : "PARTIALLY_REFUNDED" } as const;
}

export const settlementOf = (step: Step, payment: Payment, verdict: Verdict): Settlement =>
  SETTLEMENTS[step.kind](payment, verdict, step);

const SETTLEMENTS: Record<StepKind, (payment: Payment, verdict: Verdict, step: Step) => Settlement> = {
  AUTHORIZE(payment, verdict) {
    const authorizationId = verdict.approved ? verdict.transactionId : null;
    const facts = { authorizationId, paymentMethod: null };
    const held = verdict.approved && ({ movement: "HOLD" } as const);
    // Voided meanwhile: what was reserved is known now, so that the void can release it.
    if (payment.state !== "AUTHORIZING") return { step: "REFUSED", facts, ...held };
    if (verdict.approved) return { step: "DONE", state: "AUTHORIZED", facts, ...held };
    return { step: "REFUSED", state: "DECLINED", facts: { ...facts, declineReason: verdict.reason } };
  },

  CAPTURE(payment, verdict) {
    if (!verdict.approved) return { step: "REFUSED", state: "EXPIRED", facts: {}, movement: "RELEASE" };
    return { step: "DONE", state: "CAPTURED", facts: { capturedMinor: payment.amount.minor }, movement: "CAPTURE" };
  },

  VOID(payment, verdict) {
    // Nobody may take the money any more, so a refusal means that the processor's own reservation has run out, too.
    if (payment.state === "EXPIRED") return { step: verdict.approved ? "DONE" : "REFUSED", facts: {} };
    // Only we capture and release: the processor cannot have done so without us. People have to look.
    if (!verdict.approved) throw new Error(`the processor refused to release a reservation: ${verdict.reason}`);
    // Where the reservation was declined meanwhile, there was nothing to release.
    return { step: "DONE", state: "VOIDED", facts: {}, ...(payment.authorizationId && { movement: "RELEASE" }) };
  },

  REFUND(payment, verdict, { amount }) {
    const refundingMinor = payment.refundingMinor - amount.minor;
    if (!verdict.approved) return { step: "REFUSED", facts: { refundingMinor }, movement: "CANCEL_REFUND" };
    const { state, refundedMinor } = afterRefund(payment, amount.minor);
    return { step: "DONE", state, facts: { refundingMinor, refundedMinor }, movement: "REFUND" };
  },
};
