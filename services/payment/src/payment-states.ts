/**
 * How far a payment can come, and from where to where: the one place that says so. The types, the rules and the guards
 * in SQL are derived from it; the check in the migration is compared with it by a test. A state without an edge is final;
 * one in -ING means that the processor was asked and its answer is not known yet.
 */
export const PAYMENT_STATES = {
  AUTHORIZING: ["AUTHORIZED", "DECLINED", "VOIDING"],
  AUTHORIZED: ["CAPTURING", "VOIDING", "EXPIRED"],
  DECLINED: [],
  CAPTURING: ["CAPTURED", "EXPIRED"],
  CAPTURED: ["PARTIALLY_REFUNDED", "REFUNDED"],
  VOIDING: ["VOIDED"],
  VOIDED: [],
  EXPIRED: [],
  PARTIALLY_REFUNDED: ["PARTIALLY_REFUNDED", "REFUNDED"],
  REFUNDED: [],
} as const satisfies Record<string, readonly string[]>;

export type PaymentState = keyof typeof PAYMENT_STATES;

/** The states from which a payment may come to `state`. */
export const statesBefore = (state: PaymentState): PaymentState[] =>
  (Object.keys(PAYMENT_STATES) as PaymentState[]).filter((from) => isAllowed(from, state));

export const isAllowed = (from: PaymentState, to: PaymentState): boolean =>
  (PAYMENT_STATES[from] as readonly PaymentState[]).includes(to);
