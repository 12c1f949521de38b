import { randomUUID } from "node:crypto";
import type { StepKind } from "./payment.ts";
import type { Processor, Verdict } from "./processor.ts";

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
  /** Money taken and not given back. */
  netMinor(): bigint;
}

interface Reservation {
  minor: bigint;
  state: "RESERVED" | "CAPTURED" | "VOIDED";
  refundedMinor: bigint;
}

/** Declines `pm_declined`, approves all else; by its own rules, which share nothing with those of payments. */
export function createTestProcessor(): TestProcessor {
  const reservations = new Map<string, Reservation>();
  const verdicts = new Map<string, Verdict>();
  const approved: { kind: StepKind; reference: string; minor: bigint }[] = [];
  const processor = {
    faults: {} as Faults,
    approved,
    requests: 0,
    netMinor: () => approved.reduce((sum, { kind, minor }) => sum + (SIGNS[kind] ?? 0n) * minor, 0n),

    authorize: (
      { reference, amount, paymentMethod }: Parameters<Processor["authorize"]>[0],
      { signal }: { signal: AbortSignal },
    ) =>
      answer("AUTHORIZE", reference, signal, () => {
        if (paymentMethod === "pm_declined") return { approved: false, reason: "card_declined" };
        const transactionId = randomUUID();
        reservations.set(transactionId, { minor: amount.minor, state: "RESERVED", refundedMinor: 0n });
        return approve("AUTHORIZE", reference, amount.minor, transactionId);
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
        return approve("REFUND", reference, amount.minor);
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
    return approve(kind, reference, reservation.minor);
  }

  function approve(kind: StepKind, reference: string, minor: bigint, transactionId: string = randomUUID()): Verdict {
    approved.push({ kind, reference, minor });
    return { approved: true, transactionId };
  }
}

const SIGNS: Partial<Record<StepKind, bigint>> = { CAPTURE: 1n, REFUND: -1n };

const CONFLICT: Verdict = { approved: false, reason: "TRANSACTION_STATE_CONFLICT" };
