import { setTimeout as delay } from "node:timers/promises";
import { createCallLog, type Tally } from "./call-log.ts";
import { createDrillCustomer } from "./drill-customer.ts";
import type { DrillPlatform } from "./drill-platform.ts";

export interface DrillLoad extends AsyncDisposable {
  /** Begins to count; what comes back tells what came since. */
  measure(): () => Tally;
  /** Resolves once each caller has been answered anew. Rejects where that takes too long. */
  answered(limitMs: number): Promise<void>;
}

/** What a caller does again and again. */
export interface Lane {
  readonly name: string;
  work(caller: Caller): Promise<void>;
}

export interface Caller {
  /** Makes a call, again and again until it is answered. */
  answered<T>(call: () => Promise<T>): Promise<T>;
  /** A stream ended before its end, and is taken up again. */
  resumes(): void;
}

/** Between an answer and the next call of a caller. */
const THINK_MS = 100;
const POLL_MS = 20;

/** Callers of every kind, each of which repeats what fails, from now until it is disposed. */
export async function startDrillLoad(platform: DrillPlatform): Promise<DrillLoad> {
  const customer = await createDrillCustomer(platform);
  const log = createCallLog();
  const stop = new AbortController();
  const lanes = customer.lanes.map((lane, index) => ({ ...lane, caller: `${lane.name} ${index}` }));

  async function run({ caller, work }: (typeof lanes)[number]): Promise<void> {
    const hands: Caller = {
      answered: (call) => log.repeat(caller, call, stop.signal),
      resumes: () => log.resume(),
    };
    for (; !stop.signal.aborted; await delay(THINK_MS)) await work(hands);
  }

  const running = lanes.map((lane) =>
    run(lane).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    }),
  );
  return {
    measure() {
      const measure = log.measure();
      return () => measure.tally();
    },
    async answered(limitMs) {
      const measure = log.measure();
      for (const startedMs = performance.now(); ; await delay(POLL_MS)) {
        const answered = measure.answered();
        const waiting = lanes.map(({ caller }) => caller).filter((caller) => !answered.has(caller));
        if (waiting.length === 0) return;
        if (performance.now() - startedMs <= limitMs) continue;
        const failure = measure.lastFailure((caller) => waiting.includes(caller));
        throw new Error(`not answered within ${limitMs} ms: ${waiting.join(", ")}; ${failure ?? "they wait"}`);
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(running);
      customer.close();
    },
  };
}
