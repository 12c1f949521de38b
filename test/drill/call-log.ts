import { setTimeout as delay } from "node:timers/promises";
import { StatusError } from "@tenon/errors";

/** What calls came to in a while. */
export interface Tally {
  readonly calls: number;
  readonly failed: number;
  /** How the failed ones failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** Streams that a server ended before their end, and that their client took up again. */
  readonly resumed: number;
  /** The longest that a caller was without an answer, repetitions of what failed included, in milliseconds. */
  readonly longestPauseMs: number;
}

/** Calls as they end. A caller, such as `GetMe 3`, makes one at a time. */
export interface CallLog {
  /** Makes a call once; a failure is noted and no more. */
  attempt(caller: string, call: () => Promise<unknown>): Promise<void>;
  /** Makes a call until it is answered. Rejects when `stop` aborts. */
  repeat<T>(caller: string, call: () => Promise<T>, stop: AbortSignal): Promise<T>;
  /** Notes that a stream is taken up again. */
  resume(): void;
  /** Begins to count; what comes back tells what came since. */
  measure(): LogMeasure;
}

export interface LogMeasure {
  tally(): Tally;
  /** Who has been answered since. */
  answered(): ReadonlySet<string>;
  /** How somebody failed last, unless `who` says that it does not matter. */
  lastFailure(who: (caller: string) => boolean): string | undefined;
}

interface Ended {
  readonly caller: string;
  readonly failure?: string;
  /** From the first attempt on, where it was answered. */
  readonly tookMs?: number;
}

/** Before what failed is tried again. */
const REPEAT_MS = 20;

export function createCallLog(): CallLog {
  const ended: Ended[] = [];
  const asked = new Map<string, number>();
  let resumed = 0;

  async function attempt<T>(caller: string, call: () => Promise<T>): Promise<{ answer: T } | undefined> {
    const askedMs = asked.get(caller) ?? performance.now();
    asked.set(caller, askedMs);
    try {
      const answer = await call();
      asked.delete(caller);
      ended.push({ caller, tookMs: performance.now() - askedMs });
      return { answer };
    } catch (error) {
      ended.push({ caller, failure: `${caller.replace(/ \d+$/, "")}: ${reasonOf(error)}` });
      return undefined;
    }
  }

  return {
    async attempt(caller, call) {
      await attempt(caller, call);
    },
    async repeat(caller, call, stop) {
      for (;;) {
        stop.throwIfAborted();
        const answered = await attempt(caller, call);
        if (answered) return answered.answer;
        await delay(REPEAT_MS);
      }
    },
    resume() {
      resumed += 1;
    },
    measure() {
      const [from, resumedBefore, sinceMs] = [ended.length, resumed, performance.now()];
      const those = () => ended.slice(from);
      return {
        tally() {
          const nowMs = performance.now();
          const failures = those().flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
          // Those too who wait still, and only for as long as this measure does.
          const waits = [...asked.values()].map((askedMs) => nowMs - askedMs);
          const pauses = [...those().map(({ tookMs = 0 }) => tookMs), ...waits];
          const longest = pauses.reduce((most, each) => Math.max(most, each), 0);
          return {
            calls: those().length,
            failed: failures.length,
            failures: Object.fromEntries([...Map.groupBy(failures, (each) => each)].map(([k, v]) => [k, v.length])),
            resumed: resumed - resumedBefore,
            longestPauseMs: Math.min(longest, nowMs - sinceMs),
          };
        },
        answered: () => new Set(those().flatMap(({ caller, failure }) => (failure === undefined ? [caller] : []))),
        lastFailure: (who) => those().findLast(({ caller, failure }) => failure !== undefined && who(caller))?.failure,
      };
    },
  };
}

/** Whether a failure tells its caller that he may repeat: by gRPC and by REST. */
export const isUnavailable = (failure: string): boolean => /: (UNAVAILABLE|503) /.test(failure);

function reasonOf(error: unknown): string {
  if (error instanceof StatusError) return `${error.code} ${error.reason ?? ""} ${error.message}`;
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
