import type { Money } from "@tenon/money";
import type { StepKind } from "../payment.ts";

/** A transaction as the processor has it. */
export interface StatementLine {
  readonly transactionId: string;
  /** Ours, where we asked for it. */
  readonly reference: string;
  readonly kind: StepKind;
  readonly state: "APPROVED" | "DECLINED";
  /** Of a capture, void or refund. */
  readonly authorizationId: string | null;
  readonly amount: Money;
  readonly declineReason: string;
}

/** The processor's log, as it can be read. */
export interface Statement {
  /**
   * A page of it, the oldest first; `""` is the first. There is no next one where it ends for now: what is committed later
   * is found by reading the last page again.
   */
  read(pageToken: string, options: { signal: AbortSignal }): Promise<StatementPage>;
  /** Undefined where the processor never saw the reference. */
  find(reference: string, options: { signal: AbortSignal }): Promise<StatementLine | undefined>;
}

export interface StatementPage {
  readonly lines: readonly StatementLine[];
  readonly nextPageToken: string | undefined;
}
