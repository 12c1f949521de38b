import { StatusError } from "@tenon/errors";
import type { Logger } from "@tenon/logger";
import type { PaymentStore } from "../payment.ts";
import type { PaymentService } from "../payment-service.ts";
import type { Verdict } from "../processor.ts";
import { type Disagreement, disagreements, factsDiffer, type OurSide } from "./compare.ts";
import type { Finding, FindingAction, FindingKind, FindingStore } from "./finding.ts";
import type { OurSides } from "./our-side.ts";
import type { StatementLine } from "./statement.ts";

/** What of a transaction belongs together, or to nothing: at least the reference is there. */
export interface Examined {
  readonly reference: string;
  /** Unset: the processor has none. */
  readonly line: StatementLine | undefined;
}

/** The stores of one transaction. */
export interface ReconciliationStores {
  readonly payments: Pick<PaymentService, "settle" | "adoptRefund"> & Pick<PaymentStore, "lock">;
  readonly ourSides: OurSides;
  readonly findings: FindingStore;
}

export interface ExaminerOptions extends Pick<ReconciliationStores, "ourSides" | "findings"> {
  /** All that `work` does, or nothing where it throws. */
  atomically<T>(work: (stores: ReconciliationStores) => Promise<T>): Promise<T>;
  logger: Logger;
  now: () => Date;
  newId: () => string;
  /** An answer that comes within this time was not lost: it is on its way. */
  graceMs: number;
  /** A step that has no answer for so long is reported. */
  unansweredMs: number;
  /** Hears of each repair. */
  onRepair?: (action: FindingAction) => void;
}

export type Examiner = ReturnType<typeof createExaminer>;

/**
 * Holds what the processor has against what we have, repairs what has one right answer and writes down the rest; findings
 * that no longer hold are resolved. All may be done again, by whomever, at once.
 */
export function createExaminer(options: ExaminerOptions) {
  const { ourSides, findings, atomically, logger, now, newId, graceMs, unansweredMs, onRepair = () => {} } = options;

  return { examine, reportUnanswered };

  /** Resolves with the number of repairs. */
  async function examine(examined: readonly Examined[]): Promise<number> {
    const references = examined.map(({ reference }) => reference);
    if (references.length === 0) return 0;
    const known = await ourSides.load(references);
    const open = Map.groupBy(await findings.openOf(references), ({ reference }) => reference);
    const compared: string[] = [];
    let repairs = 0;
    for (const { reference, line } of examined) {
      const before = known.get(reference);
      const itsOpen = open.get(reference) ?? [];
      const repaired = line && (await repair(before, line));
      if (repaired) repairs += 1;
      const ours = repaired ? (await ourSides.load([reference])).get(reference) : before;
      await note(reference, ours, line, itsOpen, repaired);
      if (ours && ours.step.state !== "PENDING") compared.push(reference);
    }
    await ourSides.markCompared(compared, now());
    return repairs;
  }

  /** Writes down which of these have no answer, without asking the processor. What else is open of them stands. */
  async function reportUnanswered(references: readonly string[]): Promise<void> {
    for (const [reference, ours] of await ourSides.load(references)) await report(reference, ours, unanswered(ours));
  }

  /** Does what has one right answer; undefined where there is nothing to do, or no single answer. */
  async function repair(ours: OurSide | undefined, line: StatementLine): Promise<FindingAction | undefined> {
    const facts = { reference: line.reference, payment_id: ours?.payment.id, kind: line.kind };
    try {
      const action = ours === undefined ? await adopt(line) : await settle(ours, line);
      if (action) logger.info({ ...facts, action }, "the processor's word is taken over");
      if (action) onRepair(action);
      return action;
    } catch (err) {
      // The database cannot be had: later then. Anything else would come again, and must not keep the others waiting.
      if (err instanceof StatusError) throw err;
      logger.error({ err, ...facts }, "a transaction of the processor cannot be taken over");
      return undefined;
    }
  }

  function settle(ours: OurSide, line: StatementLine): Promise<FindingAction | undefined> | undefined {
    if (ours.step.state !== "PENDING" || factsDiffer(ours, line)) return undefined;
    return atomically(async ({ payments, ourSides, findings }) => {
      await payments.lock(ours.payment.id);
      const { step } = (await ourSides.load([line.reference])).get(line.reference) ?? ours;
      if (step.state !== "PENDING") return undefined;
      await payments.settle(step, verdictOf(line));
      const ageMs = now().getTime() - ours.createdAt.getTime();
      const description = `the answer to ${step.kind} was missing for ${Math.round(ageMs / 1000)} s: ${line.state}`;
      if (ageMs > graceMs) await findings.add(finding("ANSWER_LOST", line.reference, ours, description, "SETTLED"));
      return "SETTLED";
    });
  }

  /** A refund that was made at the processor, by hand or by the bank: the money is gone, whoever asked for it. */
  async function adopt(line: StatementLine): Promise<FindingAction | undefined> {
    const { kind, state, reference, authorizationId, amount } = line;
    if (kind !== "REFUND" || state !== "APPROVED" || authorizationId === null) return undefined;
    return atomically(async ({ payments, ourSides, findings }) => {
      if ((await payments.adoptRefund({ reference, authorizationId, amount })) === undefined) return undefined;
      const ours = (await ourSides.load([reference])).get(reference);
      const description = "a refund that was made at the processor without us is in the payment and the books now";
      const [open] = await findings.openOf([reference]);
      if (open) await findings.resolve(open.id, "ADOPTED", now());
      else await findings.add(finding("TRANSACTION_UNKNOWN", reference, ours, description, "ADOPTED"));
      return "ADOPTED";
    });
  }

  /** Brings the open findings of a reference to what is so now. */
  async function note(
    reference: string,
    ours: OurSide | undefined,
    line: StatementLine | undefined,
    open: readonly Finding[],
    repaired: FindingAction | undefined,
  ): Promise<void> {
    const found = [...disagreements(ours, line), ...unanswered(ours)];
    await report(reference, ours, found);
    for (const { id, kind } of open) {
      if (found.some((each) => each.kind === kind)) continue;
      const isNews = await findings.resolve(id, repaired ?? "REPORTED", now());
      if (isNews) logger.info({ reference, finding: kind }, "a finding no longer holds");
    }
  }

  async function report(reference: string, ours: OurSide | undefined, found: readonly Disagreement[]): Promise<void> {
    for (const { kind, description } of found) {
      const isNew = await findings.add(finding(kind, reference, ours, description, "REPORTED"));
      if (isNew) logger.warn({ reference, payment_id: ours?.payment.id, finding: kind, description }, "a finding");
    }
  }

  function unanswered(ours: OurSide | undefined): Disagreement[] {
    if (ours?.step.state !== "PENDING" || now().getTime() - ours.createdAt.getTime() < unansweredMs) return [];
    const description = `the processor gives no answer to ${ours.step.kind}; it was asked ${ours.step.attempts} times again`;
    return [{ kind: "UNANSWERED", description }];
  }

  function finding(
    kind: FindingKind,
    reference: string,
    ours: OurSide | undefined,
    description: string,
    action: FindingAction,
  ): Finding {
    const at = now();
    const paymentId = ours?.payment.id ?? null;
    const resolvedAt = action === "REPORTED" ? null : at;
    return { id: newId(), kind, reference, paymentId, description, action, createdAt: at, resolvedAt };
  }
}

const verdictOf = ({ state, transactionId, declineReason }: StatementLine): Verdict =>
  state === "APPROVED" ? { approved: true, transactionId } : { approved: false, reason: declineReason || "declined" };
