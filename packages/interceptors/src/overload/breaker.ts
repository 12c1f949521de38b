export type BreakerState = "closed" | "open" | "half-open";

/** What a call says of whom it called; `neutral`: nothing. */
export type Outcome = "success" | "failure" | "neutral";

export interface BreakerOptions {
  /** Opens when this share of the calls in the window failed, from 0 to 1. */
  failureRatio: number;
  /** Fewer calls in the window prove nothing. */
  minCalls: number;
  windowMs: number;
  /** How long it first stays open, give or take a fifth; doubles each time it opens again, up to `maxOpenMs`. */
  openMs: number;
  maxOpenMs: number;
  /** Calls let through at once while half-open. */
  probes: number;
  /** Closes after this many of them succeed in a row. */
  closeAfter: number;
  nowMs: () => number;
  random: () => number;
  onChange?: (state: BreakerState) => void;
}

/** A call that may go; it tells once how it went. */
export type Pass = (outcome: Outcome) => void;

export interface Breaker {
  readonly state: BreakerState;
  /** Lets a call go, or says in how many milliseconds to try again. */
  enter(): Pass | number;
}

/** The window is counted in slots; the oldest is dropped when a new one begins. */
const SLOTS = 10;

/** A circuit breaker: closed it counts, open it refuses, half-open it lets a few calls try. */
export function createBreaker(options: BreakerOptions): Breaker {
  const { failureRatio, minCalls, windowMs, openMs, maxOpenMs, probes, closeAfter, nowMs, random, onChange } = options;
  let state: BreakerState = "closed";
  let openUntil = 0;
  let timesOpened = 0;
  let probing = 0;
  let wentWell = 0;
  /** Calls of an earlier state tell nothing about this one. */
  let era = 0;
  let window = createWindow(windowMs, nowMs);

  function change(to: BreakerState): void {
    state = to;
    era += 1;
    probing = 0;
    wentWell = 0;
    onChange?.(to);
  }

  function open(): void {
    const forMs = Math.min(maxOpenMs, openMs * 2 ** timesOpened) * (0.8 + 0.4 * random());
    timesOpened += 1;
    openUntil = nowMs() + forMs;
    change("open");
  }

  function close(): void {
    timesOpened = 0;
    window = createWindow(windowMs, nowMs);
    change("closed");
  }

  function count(outcome: Outcome): void {
    if (state === "closed") {
      if (outcome === "neutral") return;
      const { calls, failures } = window.add(outcome === "failure");
      if (outcome === "failure" && calls >= minCalls && failures >= failureRatio * calls) open();
      return;
    }
    probing -= 1;
    if (outcome === "failure") open();
    else if (outcome === "success") {
      wentWell += 1;
      if (wentWell >= closeAfter) close();
    }
  }

  return {
    get state() {
      return state;
    },
    enter() {
      if (state === "open") {
        const leftMs = openUntil - nowMs();
        if (leftMs > 0) return leftMs;
        change("half-open");
      }
      if (state === "half-open") {
        if (probing >= probes) return openMs;
        probing += 1;
      }
      const ofEra = era;
      let told = false;
      return (outcome) => {
        if (told) return;
        told = true;
        if (era === ofEra) count(outcome);
      };
    },
  };
}

/** Calls and failures of the last `windowMs`. */
function createWindow(windowMs: number, nowMs: () => number) {
  const slotMs = windowMs / SLOTS;
  const slots: { at: number; calls: number; failures: number }[] = [];
  return {
    add(failed: boolean): { calls: number; failures: number } {
      const at = Math.floor(nowMs() / slotMs);
      while (slots[0] !== undefined && slots[0].at <= at - SLOTS) slots.shift();
      let slot = slots.at(-1);
      if (slot === undefined || slot.at < at) {
        slot = { at, calls: 0, failures: 0 };
        slots.push(slot);
      }
      slot.calls += 1;
      slot.failures += failed ? 1 : 0;
      let calls = 0;
      let failures = 0;
      for (const each of slots) {
        calls += each.calls;
        failures += each.failures;
      }
      return { calls, failures };
    },
  };
}
