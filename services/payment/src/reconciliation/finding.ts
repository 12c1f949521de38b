import type { Page, Paged } from "@tenon/database";

/** In what payments, books and the processor's statement can disagree; the contract describes each. */
export const FINDING_KINDS = [
  "ANSWER_LOST",
  "TRANSACTION_UNKNOWN",
  "TRANSACTION_MISSING",
  "OUTCOME_DIFFERS",
  "FACTS_DIFFER",
  "BOOKS_DIFFER",
  "UNANSWERED",
] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

/** What was done: nothing but to report it, or the repair. */
export type FindingAction = "REPORTED" | "SETTLED" | "ADOPTED";

/** One disagreement about one movement of money. Of each kind at most one is open for a reference. */
export interface Finding {
  readonly id: string;
  readonly kind: FindingKind;
  /** The processor's name for the movement. */
  readonly reference: string;
  readonly paymentId: string | null;
  readonly description: string;
  readonly action: FindingAction;
  readonly createdAt: Date;
  readonly resolvedAt: Date | null;
}

export interface FindingFilter {
  /** Unset: open and resolved. */
  readonly isOpen?: boolean | undefined;
}

/** Where findings are kept. */
export interface FindingStore {
  /** False where one of this kind is open for the reference already; that one has been looked at now. */
  add(finding: Finding): Promise<boolean>;
  /** False where it was resolved before. */
  resolve(id: string, action: FindingAction, at: Date): Promise<boolean>;
  /** Those that are open for any of these references. */
  openOf(references: readonly string[]): Promise<readonly Finding[]>;
  /** References of open findings that nobody has looked at since `before`, the longest ago first. */
  listDue(before: Date, limit: number): Promise<readonly string[]>;
  /** The newest first. */
  list(page: Page, filter: FindingFilter): Promise<Paged<Finding>>;
  countOpen(): Promise<ReadonlyMap<FindingKind, number>>;
}
