import type { Money } from "@tenon/money";

/**
 * Each movement of money as the two accounts that it is posted to: the amount is added to what the first one is owed
 * (debit) and taken from the second (credit). Nothing else is ever posted.
 *
 * CUSTOMER_HOLDS is what customers have reserved for us and we have not taken; MERCHANT_RECEIVABLE what was taken and not
 * given back; REFUNDS what refunds under way will give back; all of them are at least zero, of every payment and together.
 * PROCESSOR_CLEARING is their counterpart: what the processor holds or owes, as a credit.
 */
export const MOVEMENTS = {
  /** The processor reserved the money. */
  HOLD: { debit: "CUSTOMER_HOLDS", credit: "PROCESSOR_CLEARING" },
  /** The reservation ended without money taken: voided or expired. */
  RELEASE: { debit: "PROCESSOR_CLEARING", credit: "CUSTOMER_HOLDS" },
  /** The reserved money was taken. */
  CAPTURE: { debit: "MERCHANT_RECEIVABLE", credit: "CUSTOMER_HOLDS" },
  /** A refund begins: its money is set aside before the processor hears of it. */
  RESERVE_REFUND: { debit: "REFUNDS", credit: "MERCHANT_RECEIVABLE" },
  /** The processor gave it back. */
  REFUND: { debit: "PROCESSOR_CLEARING", credit: "REFUNDS" },
  /** The processor refused to. */
  CANCEL_REFUND: { debit: "MERCHANT_RECEIVABLE", credit: "REFUNDS" },
} as const satisfies Record<string, { debit: string; credit: string }>;

export type Movement = keyof typeof MOVEMENTS;
export type Account = (typeof MOVEMENTS)[Movement]["debit" | "credit"];

export const ACCOUNTS = [
  ...new Set(Object.values(MOVEMENTS).flatMap(({ debit, credit }) => [debit, credit])),
] as readonly Account[];

/** One side of an entry: a debit is positive, a credit negative. */
export interface Posting {
  readonly account: Account;
  readonly amountMinor: bigint;
}

/** A movement as it is written down. */
export interface NewEntry {
  readonly id: string;
  readonly paymentId: string;
  /** The step that asked the processor for it: the reference under which the processor has it, too. */
  readonly stepId: string;
  readonly movement: Movement;
  readonly currency: string;
  readonly createdAt: Date;
  /** Sum to zero. */
  readonly postings: readonly Posting[];
}

/** An entry that was committed, in its place in the chain of its currency. */
export interface Entry extends NewEntry {
  /** From 1, without gaps. */
  readonly position: bigint;
  /** SHA-256 of the entry and of the hash before. */
  readonly hash: Uint8Array;
}

/** What was posted to an account in one currency. May exceed an int64. */
export interface AccountBalance {
  readonly account: Account;
  readonly currency: string;
  readonly debitMinor: bigint;
  readonly creditMinor: bigint;
}

export function entryOf(
  movement: Movement,
  { amount, ...facts }: Omit<NewEntry, "movement" | "currency" | "postings"> & { amount: Money },
): NewEntry {
  const { debit, credit } = MOVEMENTS[movement];
  const postings = [
    { account: debit, amountMinor: amount.minor },
    { account: credit, amountMinor: -amount.minor },
  ];
  return { ...facts, movement, currency: amount.currency, postings };
}
