import type { Money } from "@tenon/money";

/**
 * The payments that the rules of orders need. Every function returns the payment as it is found afterwards, whether this
 * step or an earlier or a rival one brought it there: deciding what that means is the order's business. Steps are repeated
 * with the same request id until one returns, and have one effect. They throw where the outcome is open.
 */
export interface Payments {
  /** Reserves the amount. The payment comes without an id where it was refused before there was one. */
  authorize(request: AuthorizeRequest, signal: AbortSignal): Promise<Payment>;
  /** Takes the reserved amount. */
  capture(request: StepRequest, signal: AbortSignal): Promise<Payment>;
  /** Gives up the reservation. */
  release(request: StepRequest, signal: AbortSignal): Promise<Payment>;
  /** Gives `amount` of what was taken back. */
  refund(request: StepRequest & { amount: Money }, signal: AbortSignal): Promise<Payment>;
}

export interface AuthorizeRequest {
  requestId: string;
  orderId: string;
  userId: string;
  amount: Money;
  /** A token of the processor. */
  paymentMethod: string;
}

export interface StepRequest {
  requestId: string;
  paymentId: string;
}

/** The money of one order. */
export interface Payment {
  readonly id: string | undefined;
  readonly state: PaymentState;
  /** How much of it was given back; undefined where none can have been. */
  readonly refundedMinor?: bigint | undefined;
  /** Why it was DECLINED, as the processor put it. */
  readonly declineReason?: string | undefined;
}

/** How far a payment has come. Those in -ING wait for the processor's word. */
export type PaymentState =
  | "AUTHORIZING"
  | "AUTHORIZED"
  | "DECLINED"
  | "CAPTURING"
  | "CAPTURED"
  | "VOIDING"
  | "VOIDED"
  | "EXPIRED"
  | "PARTIALLY_REFUNDED"
  | "REFUNDED";
