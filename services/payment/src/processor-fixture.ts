import { randomUUID } from "node:crypto";
import type { StepKind } from "./payment.ts";
import type { Processor, Verdict } from "./processor.ts";
import type { Statement, StatementLine } from "./reconciliation/statement.ts";

/** What a test does to requests; throwing or hanging as it likes. */
export interface Faults {
  /** Before the processor does anything: the request may be lost here. */
  before?: (kind: StepKind, signal: AbortSignal) => Promise<void>;
  /** After it did what was asked: the answer may be lost here. */
  after?: (kind: StepKind, signal: AbortSignal) => Promise<void>;
}

/** A processor in memory with a log to look into: the oracle of what happened to the money. */
export interface TestProcessor extends Processor {
  faults: Faults;
  /** What was approved, in its order. */
  readonly approved: readonly { kind: StepKind; reference: string; minor: bigint }[];
  /** Requests that reached it, repetitions included. */
  readonly requests: number;
  /** Its statement, which a test may change: what it then shows is what it has. */
  readonly lines: StatementLine[];
  readonly statement: Statement;
  /** Lines of a page of the statement. */
  pageSize: number;
  /** Money taken and not given back. */
  netMinor(): bigint;
}

interface Reservation {
  currency: string;
  minor: bigint;
  state: "RESERVED" | "CAPTURED" | "VOIDED";
  refundedMinor: bigint;
}

/** Declines `pm_declined`, approves all else; by its own rules, which share nothing with those of payments. */
export function createTestProcessor(): TestProcessor {
  const reservations = new Map<string, Reservation>();
  const verdicts = new Map<string, Verdict>();
  const lines: StatementLine[] = [];
  const approved: { kind: StepKind; reference: string; minor: bigint }[] = [];
  const processor = {
    faults: {} as Faults,
    approved,
    lines,
    pageSize: 500,
    statement: {
      async read(pageToken: string) {
        const [from, to] = [Number(pageToken), Number(pageToken) + processor.pageSize];
        return { lines: lines.slice(from, to), nextPageToken: to < lines.length ? String(to) : undefined };
      },
      find: async (wanted: string) => lines.find(({ reference }) => reference === wanted),
    },
    requests: 0,
    netMinor: () => approved.reduce((sum, { kind, minor }) => sum + (SIGNS[kind] ?? 0n) * minor, 0n),

    authorize: (
      { reference, amount, paymentMethod }: Parameters<Processor["authorize"]>[0],
      { signal }: { signal: AbortSignal },
    ) =>
      answer("AUTHORIZE", reference, signal, () => {
        const transactionId = randomUUID();
        const line = { transactionId, reference, kind: "AUTHORIZE", authorizationId: null, amount } as const;
        if (paymentMethod === "pm_declined") {
          lines.push({ ...line, state: "DECLINED", declineReason: "card_declined" });
          return { approved: false, reason: "card_declined" };
        }
        reservations.set(transactionId, { ...amount, state: "RESERVED", refundedMinor: 0n });
        return approve({ ...line, state: "APPROVED", declineReason: "" });
      }),

    capture: (request: Parameters<Processor["capture"]>[0], { signal }: { signal: AbortSignal }) =>
      answer("CAPTURE", request.reference, signal, () => change("CAPTURE", "CAPTURED", request)),

    void: (request: Parameters<Processor["void"]>[0], { signal }: { signal: AbortSignal }) =>
      answer("VOID", request.reference, signal, () => change("VOID", "VOIDED", request)),

    refund: (
      { reference, authorizationId, amount }: Parameters<Processor["refund"]>[0],
      { signal }: { signal: AbortSignal },
    ) =>
      answer("REFUND", reference, signal, () => {
        const reservation = reservations.get(authorizationId);
        if (reservation?.state !== "CAPTURED") return CONFLICT;
        if (reservation.refundedMinor + amount.minor > reservation.minor) return CONFLICT;
        reservation.refundedMinor += amount.minor;
        return approve(lineOf("REFUND", reference, authorizationId, amount));
      }),
  };
  return processor;

  async function answer(kind: StepKind, reference: string, signal: AbortSignal, decide: () => Verdict) {
    processor.requests += 1;
    await processor.faults.before?.(kind, signal);
    const verdict = verdicts.get(reference) ?? decide();
    verdicts.set(reference, verdict);
    await processor.faults.after?.(kind, signal);
    return verdict;
  }

  function change(
    kind: "CAPTURE" | "VOID",
    state: "CAPTURED" | "VOIDED",
    { reference, authorizationId }: Parameters<Processor["capture"]>[0],
  ): Verdict {
    const reservation = reservations.get(authorizationId);
    if (reservation?.state !== "RESERVED") return CONFLICT;
    reservation.state = state;
    return approve(lineOf(kind, reference, authorizationId, reservation));
  }

  function approve(line: StatementLine): Verdict {
    const { kind, reference, amount, transactionId } = line;
    approved.push({ kind, reference, minor: amount.minor });
    lines.push(line);
    return { approved: true, transactionId };
  }
}

/** An approved transaction about an authorization. */
export const lineOf = (
  kind: StepKind,
  reference: string,
  authorizationId: string,
  { currency, minor }: { currency: string; minor: bigint },
): StatementLine => ({
  ...{ kind, reference, authorizationId, transactionId: randomUUID(), amount: { currency, minor } },
  state: "APPROVED",
  declineReason: "",
});

const SIGNS: Partial<Record<StepKind, bigint>> = { CAPTURE: 1n, REFUND: -1n };

const CONFLICT: Verdict = { approved: false, reason: "TRANSACTION_STATE_CONFLICT" };
