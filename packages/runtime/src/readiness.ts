import type { Logger } from "@tenon/logger";
import { settlesWithin } from "./drain.ts";

/** Something that must answer before the process takes calls. Rejects where it does not; `signal` aborts at the timeout. */
export type Check = (signal: AbortSignal) => Promise<unknown>;

export interface ReadinessOptions {
  checks: Readonly<Record<string, Check>>;
  /** From the end of one round to the start of the next. */
  intervalMs: number;
  /** For each check of a round; they run side by side. */
  timeoutMs: number;
  /** What must hold: all checks, by default, or any one of them. Without checks it is ready. */
  needs?: "all" | "any";
  /** After so many rounds in a row in which it does not hold, what was ready is not; by default 1. */
  patience?: number | undefined;
  logger: Logger;
  /** Hears the first verdict and every change. */
  onChange(ready: boolean): void;
}

export type CheckState = "pending" | "ok" | "failed";

export interface Readiness {
  /** Begins; resolves after the first round, whatever it found. */
  start(): Promise<void>;
  /** Not ready from now on. */
  drain(): void;
  report(): { ready: boolean; draining: boolean; checks: Record<string, CheckState> };
}

/** A check that passed may fail once without effect: an overloaded moment must not empty all replicas at the same time. */
const FAILURES_IN_A_ROW = 2;

/** Runs checks again and again and says whether they hold. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { checks, intervalMs, timeoutMs, needs = "all", patience = 1, logger, onChange } = options;
  const states = new Map<string, CheckState>(Object.keys(checks).map((name) => [name, "pending"]));
  const failures = new Map<string, number>();
  const told = new Map<string, string>();
  const running = new Set<string>();
  let verdict: boolean | undefined;
  let lacking = 0;
  let draining = false;
  let timer: NodeJS.Timeout | undefined;

  const holds = () => {
    const verdicts = [...states.values()].map((state) => state === "ok");
    const some = needs === "any" && verdicts.length > 0;
    return some ? verdicts.some(Boolean) : verdicts.every(Boolean);
  };
  const ready = () => !draining && (holds() || (verdict === true && lacking < patience));

  async function round(): Promise<void> {
    await Promise.all(Object.entries(checks).map(([name, check]) => attempt(name, check)));
    if (draining) return;
    const before = verdict;
    lacking = holds() ? 0 : lacking + 1;
    verdict = ready();
    if (verdict !== before) onChange(verdict);
    timer = setTimeout(round, intervalMs).unref();
  }

  async function attempt(name: string, check: Check): Promise<void> {
    // One that heeds neither its signal nor time is not started again on top of itself.
    if (running.has(name)) return settle(name, new Error("the check of an earlier round has not ended"));
    running.add(name);
    const controller = new AbortController();
    const work = async () => {
      try {
        await check(controller.signal);
      } finally {
        running.delete(name);
      }
    };
    try {
      const inTime = await settlesWithin(timeoutMs, work);
      settle(name, inTime ? undefined : new Error(`no answer within ${timeoutMs} ms`));
    } catch (error) {
      settle(name, error);
    } finally {
      controller.abort();
    }
  }

  function settle(name: string, error?: unknown): void {
    const before = states.get(name);
    const inARow = error === undefined ? 0 : (failures.get(name) ?? 0) + 1;
    failures.set(name, inARow);
    const holds = inARow === 0 || (before === "ok" && inARow < FAILURES_IN_A_ROW);
    states.set(name, holds ? "ok" : "failed");
    if (holds && before !== "ok") logger.info({ check: name }, "readiness check passes");
    // Once for each reason: behind the first, such as a database that is down, there may be one to be mended by hand.
    const reason = holds ? "" : error instanceof Error ? error.message : String(error);
    if (!holds && told.get(name) !== reason) logger.warn({ check: name, err: error }, "readiness check fails");
    told.set(name, reason);
  }

  return {
    start: round,
    drain() {
      draining = true;
      clearTimeout(timer);
    },
    report: () => ({ ready: ready(), draining, checks: Object.fromEntries(states) }),
  };
}
