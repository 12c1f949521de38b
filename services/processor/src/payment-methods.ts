/** How the processor treats a payment method. */
export interface PaymentMethod {
  /** Why it refuses; unset: it authorizes. */
  readonly declineReason?: string;
  /** How long it thinks before it decides. */
  readonly delayMs?: number;
  /** It commits, and the attempt that made it do so never hears of it. */
  readonly silent?: boolean;
  /** How often it tells the outcome again without being asked. */
  readonly callbacks?: number;
}

/** The treatment of a payment method by its token; a token that nobody gave out is declined. */
export const paymentMethodOf = (token: string): PaymentMethod =>
  METHODS.get(token) ?? { declineReason: "invalid_payment_method" };

const METHODS: ReadonlyMap<string, PaymentMethod> = new Map([
  ["pm_ok", {}],
  ["pm_duplicate", { callbacks: 2 }],
  ["pm_declined", { declineReason: "card_declined" }],
  ["pm_insufficient_funds", { declineReason: "insufficient_funds" }],
  ["pm_slow", { delayMs: 2000 }],
  ["pm_timeout_then_ok", { silent: true }],
]);
