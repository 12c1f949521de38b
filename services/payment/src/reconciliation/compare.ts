import { isDeepStrictEqual } from "node:util";
import type { Money } from "@tenon/money";
import type { Movement } from "../ledger/ledger.ts";
import type { Payment, Step, StepKind } from "../payment.ts";
import type { FindingKind } from "./finding.ts";
import type { StatementLine } from "./statement.ts";

/** What we have of one movement of money, all of one moment. */
export interface OurSide {
  readonly step: Step;
  readonly payment: Payment;
  /** What the books have of the step. */
  readonly booked: readonly { readonly movement: Movement; readonly amount: Money }[];
  readonly createdAt: Date;
}

export interface Disagreement {
  readonly kind: FindingKind;
  readonly description: string;
}

/**
 * Holds one movement of money against the processor's line and against the books. Both sides may be missing: a line that
 * we never asked for, a step that the processor never saw. Nothing is said about a step whose answer is still open, unless
 * its line cannot be that answer.
 */
export function disagreements(ours: OurSide | undefined, line: StatementLine | undefined): Disagreement[] {
  if (ours === undefined) return line?.state === "APPROVED" ? [unknown(line)] : [];
  if (line !== undefined) {
    const facts = factsDiffer(ours, line);
    if (facts !== undefined) return [facts];
  }
  if (ours.step.state === "PENDING") return [];
  const found = [outcomeDiffers(ours, line), booksDiffer(ours)];
  return found.filter((each) => each !== undefined);
}

/** The line is about something else than the step of its reference, so that it is no answer to it. */
export function factsDiffer({ step, payment }: OurSide, line: StatementLine): Disagreement | undefined {
  const asked = { kind: step.kind, amount: step.amount, authorizationId: payment.authorizationId };
  // What was declined has no authorization; where ours is still open we do not know it yet.
  const authorizationId = step.kind === "AUTHORIZE" ? line.transactionId : line.authorizationId;
  const isKnown = payment.authorizationId !== null && line.state === "APPROVED";
  const told = {
    kind: line.kind,
    amount: line.amount,
    authorizationId: isKnown ? authorizationId : payment.authorizationId,
  };
  const isAnswer = line.state === "APPROVED" || line.kind === "AUTHORIZE";
  if (isAnswer && isDeepStrictEqual(asked, told)) return undefined;
  const description = `asked for ${toWords(asked)}, the processor has ${line.state} ${toWords({ ...told, authorizationId })}`;
  return { kind: "FACTS_DIFFER", description };
}

function outcomeDiffers({ step, payment }: OurSide, line: StatementLine | undefined): Disagreement | undefined {
  const isDone = IS_DONE[step.kind](step, payment);
  const isApproved = line?.state === "APPROVED";
  if (isDone === isApproved) return undefined;
  const what = `${step.kind} of ${moneyIn(step.amount)}`;
  if (!isDone) return { kind: "OUTCOME_DIFFERS", description: `${what} is refused here, and done at the processor` };
  if (line) return { kind: "OUTCOME_DIFFERS", description: `${what} is done here, and declined at the processor` };
  return { kind: "TRANSACTION_MISSING", description: `${what} is done here, and the processor has nothing of it` };
}

/** Whether the processor did what the step asked for, as far as we know. */
const IS_DONE: Record<StepKind, (step: Step, payment: Payment) => boolean> = {
  // Also where the payment was voided meanwhile, so that the step is refused.
  AUTHORIZE: (_, { authorizationId }) => authorizationId !== null,
  CAPTURE: ({ state }) => state === "DONE",
  // Where nothing was reserved, the processor was not asked.
  VOID: ({ state }, { authorizationId }) => state === "DONE" && authorizationId !== null,
  REFUND: ({ state }) => state === "DONE",
};

function booksDiffer({ step, payment, booked }: OurSide): Disagreement | undefined {
  const expected = movementsOf(step, payment).map((movement) => entry(movement, step.amount));
  const found = booked.map(({ movement, amount }) => entry(movement, amount));
  if (isDeepStrictEqual(expected.sort(), found.sort())) return undefined;
  const description = `${step.kind} is ${step.state}: the books ought to have ${list(expected)}, and have ${list(found)}`;
  return { kind: "BOOKS_DIFFER", description };
}

function movementsOf({ kind, state }: Step, { authorizationId }: Payment): Movement[] {
  switch (kind) {
    case "AUTHORIZE":
      return authorizationId === null ? [] : ["HOLD"];
    case "CAPTURE":
      return state === "DONE" ? ["CAPTURE"] : ["RELEASE"];
    case "VOID":
      return authorizationId === null ? [] : ["RELEASE"];
    case "REFUND":
      return ["RESERVE_REFUND", state === "DONE" ? "REFUND" : "CANCEL_REFUND"];
  }
}

const unknown = (line: StatementLine): Disagreement => ({
  kind: "TRANSACTION_UNKNOWN",
  description: `nobody here asked for ${toWords(line)}`,
});

const toWords = (facts: Pick<StatementLine, "kind" | "amount" | "authorizationId">) =>
  `${facts.kind} of ${moneyIn(facts.amount)}${facts.authorizationId ? ` of authorization ${facts.authorizationId}` : ""}`;

const moneyIn = ({ currency, minor }: Money) => `${minor} minor units of ${currency}`;

const entry = (movement: Movement, amount: Money) => `${movement} of ${moneyIn(amount)}`;

const list = (entries: readonly string[]) => entries.join(" and ") || "nothing";
