import type { Money } from "@tenon/money";

/** What payments need of a processor. The reference names a movement of money: asked again, it is made once. */
export interface Processor {
  authorize(
    request: { reference: string; amount: Money; paymentMethod: string },
    options: AskOptions,
  ): Promise<Verdict>;
  capture(request: AboutAuthorization, options: AskOptions): Promise<Verdict>;
  void(request: AboutAuthorization, options: AskOptions): Promise<Verdict>;
  refund(request: AboutAuthorization & { amount: Money }, options: AskOptions): Promise<Verdict>;
}

export interface AboutAuthorization {
  readonly reference: string;
  readonly authorizationId: string;
}

export interface AskOptions {
  readonly signal: AbortSignal;
}

/**
 * The processor's answer, for good. Where there is none the promise rejects: with UNAVAILABLE where asking again by the
 * same reference brings it, and with anything else where people have to look.
 */
export type Verdict =
  | { readonly approved: true; readonly transactionId: string }
  | { readonly approved: false; readonly reason: string };
