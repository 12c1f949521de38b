import type { Page, Paged } from "@tenon/database";
import type { Money } from "@tenon/money";
import type { NewEntry } from "./ledger/ledger.ts";
import type { PaymentState } from "./payment-states.ts";

/** The money of one order. */
export interface Payment {
  readonly id: string;
  readonly orderId: string;
  readonly userId: string;
  readonly amount: Money;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  /** What refunds under way will give back. */
  readonly refundingMinor: bigint;
  readonly state: PaymentState;
  readonly declineReason: string;
  /** The processor's token of how to pay; forgotten once the processor has answered. */
  readonly paymentMethod: string | null;
  /** The processor's name for the reserved amount, once there is one. */
  readonly authorizationId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Counts the changes. */
  readonly version: bigint;
}

/** A payment that was not asked for yet. */
export const newPayment = (
  facts: Pick<Payment, "id" | "orderId" | "userId" | "amount" | "paymentMethod" | "createdAt">,
): Payment => ({
  ...facts,
  capturedMinor: 0n,
  refundedMinor: 0n,
  refundingMinor: 0n,
  state: "AUTHORIZING",
  declineReason: "",
  authorizationId: null,
  updatedAt: facts.createdAt,
  version: 1n,
});

export type StepKind = "AUTHORIZE" | "CAPTURE" | "VOID" | "REFUND";

/** One request to the processor, made because of one request to us. It is written before the processor hears of it. */
export interface Step {
  /** The reference that the processor knows it by: the same in every attempt. */
  readonly id: string;
  readonly paymentId: string;
  readonly kind: StepKind;
  readonly requestId: string;
  readonly amount: Money;
  /** PENDING until the processor's answer is written down. */
  readonly state: "PENDING" | "DONE" | "REFUSED";
  readonly attempts: number;
}

/** A step and its payment as they stand. */
export interface Work {
  readonly step: Step;
  readonly payment: Payment;
}

/** What a transition changes of a payment besides its state. */
export type PaymentFacts = Partial<
  Pick<
    Payment,
    "capturedMinor" | "refundedMinor" | "refundingMinor" | "declineReason" | "paymentMethod" | "authorizationId"
  >
>;

/** Which payments. */
export interface PaymentFilter {
  /** Whose; unset: everybody's. */
  readonly userId?: string | undefined;
  readonly orderId?: string | undefined;
}

/** Where payments and their steps are kept. */
export interface PaymentStore {
  /** All that `work` does, or nothing where it throws. */
  atomically<T>(work: (store: PaymentStore) => Promise<T>): Promise<T>;
  /** False where the order has a payment that is not DECLINED. */
  insert(payment: Payment): Promise<boolean>;
  /** The payment, which nobody else changes until this transaction ends. */
  lock(id: string): Promise<Payment | undefined>;
  /** The next version of a locked payment, in its new state. Throws where PAYMENT_STATES has no such edge. */
  transit(payment: Payment, state: PaymentState, facts: PaymentFacts, at: Date): Promise<Payment>;
  /** Writes down what no caller sees of a locked payment, so that it is no new version. */
  note(
    payment: Payment,
    facts: Pick<PaymentFacts, "refundingMinor" | "paymentMethod" | "authorizationId">,
  ): Promise<Payment>;
  /** Writes a movement of money into the books, which must tell what the payments tell when the transaction ends. */
  post(entry: NewEntry): Promise<void>;
  /** Payments that are AUTHORIZED since `authorizedBefore` or longer, the oldest first. */
  listStale(authorizedBefore: Date, limit: number): Promise<readonly string[]>;
  find(id: string, filter?: PaymentFilter): Promise<Payment | undefined>;
  /** The payment whose money the processor reserved under this name. */
  findByAuthorization(authorizationId: string): Promise<Payment | undefined>;
  /** The newest first. */
  list(page: Page, filter: PaymentFilter): Promise<Paged<Payment>>;

  insertStep(step: Step, times: { createdAt: Date; leaseExpiresAt: Date }): Promise<void>;
  findStep(kind: StepKind, requestId: string): Promise<Work | undefined>;
  /** The step that reserves the money of a payment. */
  findAuthorizeStep(paymentId: string): Promise<Work | undefined>;
  /** From PENDING only: false where another attempt has written the answer. */
  settleStep(id: string, state: "DONE" | "REFUSED"): Promise<boolean>;
  /**
   * The pending step whose lease ran out first, leased anew until the time that its number of attempts asks for. A lease
   * that ends after the longest was given by a clock that was wrong, and counts for nothing: an answer is written once.
   */
  leaseDueStep(now: Date, leaseUntil: (attempts: number) => Date): Promise<Work | undefined>;
}
