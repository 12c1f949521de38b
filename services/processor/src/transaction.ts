import type { Money } from "@tenon/money";

/** One movement of money, as it stands in the log for ever. */
export interface Transaction {
  readonly id: string;
  /** The caller's, one for each movement. */
  readonly reference: string;
  readonly kind: "AUTHORIZE" | "CAPTURE" | "VOID" | "REFUND";
  readonly state: "APPROVED" | "DECLINED";
  /** What a capture, void or refund is about. */
  readonly authorizationId: string | null;
  /** Of an authorization. */
  readonly paymentMethod: string | null;
  readonly amount: Money;
  readonly declineReason: string;
  readonly createdAt: Date;
}

/** What became of a reserved amount so far. */
export interface Authorization {
  readonly id: string;
  readonly state: "RESERVED" | "CAPTURED" | "VOIDED";
  readonly amount: Money;
  readonly refundedMinor: bigint;
}

/** The processor's log and the amounts that it holds. Each change has its guard in itself: false means it was refused. */
export interface TransactionLog {
  /** All that `work` does, or nothing where it throws. */
  atomically<T>(work: (log: TransactionLog) => Promise<T>): Promise<T>;
  /** Writes a transaction, unless its reference has one. One that is being written at this moment is waited for. */
  append(transaction: Transaction): Promise<boolean>;
  /** Has the transaction told without being asked, once. */
  callBack(id: string, transactionId: string, dueAt: Date): Promise<void>;
  findByReference(reference: string): Promise<Transaction | undefined>;
  findAuthorization(id: string): Promise<Authorization | undefined>;
  reserve(id: string, amount: Money): Promise<void>;
  /** From RESERVED only. */
  capture(id: string): Promise<boolean>;
  /** From RESERVED only. */
  release(id: string): Promise<boolean>;
  /** Only what was captured and not given back yet. */
  refund(id: string, amountMinor: bigint): Promise<boolean>;
  /** The statement behind a position, and the position of each: one that commits later stands further back. */
  list(page: { after: bigint; limit: number }): Promise<{ transaction: Transaction; position: bigint }[]>;
}
