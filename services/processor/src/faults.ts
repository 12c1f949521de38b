import { createHash } from "node:crypto";

/** What goes wrong, and how often: rates are from 0 to 1. */
export interface Faults {
  readonly seed: bigint;
  readonly delayMs: number;
  readonly errorRate: number;
  readonly timeoutRate: number;
  readonly lateRate: number;
  readonly lateByMs: number;
  readonly duplicateCallbackRate: number;
}

/** What befalls one call. */
export interface CallFaults {
  readonly delayMs: number;
  readonly fails: boolean;
  /** It does what is asked, and does not answer. */
  readonly isSilent: boolean;
  /** It does not answer, and does what is asked so much later. */
  readonly lateByMs: number | undefined;
  readonly callbacks: number;
}

export const NO_FAULTS: CallFaults = { delayMs: 0, fails: false, isSilent: false, lateByMs: undefined, callbacks: 0 };

/** Decides call by call, in the order in which they come; until faults are set, that all is well. */
export interface FaultPlan {
  set(faults: Faults | undefined): void;
  next(): CallFaults;
}

export function createFaultPlan(): FaultPlan {
  let faults: Faults | undefined;
  let calls = 0;

  return {
    set(wanted) {
      faults = wanted;
      calls = 0;
    },
    next() {
      if (faults === undefined) return NO_FAULTS;
      const { seed, delayMs, errorRate, timeoutRate, lateRate, lateByMs, duplicateCallbackRate } = faults;
      const call = calls++;
      const meets = (what: string, rate: number) => fractionOf(`${seed}/${call}/${what}`) < rate;
      return {
        delayMs,
        fails: meets("error", errorRate),
        isSilent: meets("timeout", timeoutRate),
        lateByMs: meets("late", lateRate) ? lateByMs : undefined,
        callbacks: meets("duplicate", duplicateCallbackRate) ? 2 : 0,
      };
    },
  };
}

/** From 0 to 1, as good as by chance, and the same for the same text: one decision moves no other. */
const fractionOf = (text: string): number => createHash("sha256").update(text).digest().readUInt32BE() / 2 ** 32;
