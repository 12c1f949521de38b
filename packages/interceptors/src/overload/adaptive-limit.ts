import type { Method } from "@tenon/grpc";
import { perMethod } from "../per-method.ts";

export interface AdaptiveLimitOptions {
  initialLimit: number;
  minLimit: number;
  maxLimit: number;
  nowMs: () => number;
}

/** How many calls may run at once: as many as run without making each other wait. */
export interface AdaptiveLimit {
  readonly limit: number;
  /** A call took this long among `inFlight` at once; `limited` where others had to wait or were refused meanwhile. */
  observe(method: Method, tookMs: number, load: { inFlight: number; limited: boolean }): void;
  /** How long a call of this method takes when it need not wait, in milliseconds; 0 where that is not known. */
  expectedMs(method: Method): number;
}

/** The limit moves at most this often, and on this many calls at least. */
const WINDOW_MS = 100;
const WINDOW_CALLS = 10;
/** The limit goes down once calls take this many times as long as without load. */
const TOLERANCE = 2;
/** How much of a change is made at once. */
const SMOOTHING = 0.2;
const MAX_DECREASE = 0.5;
/** The usual time falls fast and rises slowly, and hardly at all under overload, which must not come to count as usual. */
const FALL = 0.3;
const RISE = 0.002;
const RISE_WHEN_LIMITED = 0.0002;
/** Shorter times count as this: below it, garbage collection and other processes weigh more than the call. */
const MIN_MS = 10;

/** Logarithms of milliseconds: one call of ten seconds must not outweigh a thousand of one. */
interface MethodTimes {
  usual: number | undefined;
  sum: number;
  count: number;
}

/**
 * The gradient of latency, after Netflix's concurrency-limits: the limit shrinks by the ratio of what is usual to what is,
 * and grows by its square root. What is usual is kept for each method, so that a change of the mix is no change of load.
 */
export function createAdaptiveLimit({ initialLimit, minLimit, maxLimit, nowMs }: AdaptiveLimitOptions): AdaptiveLimit {
  let limit = initialLimit;
  let windowAt = nowMs();
  let calls = 0;
  let mostInFlight = 0;
  let wasLimited = false;
  const touched = new Set<MethodTimes>();
  const timesOf = perMethod((): MethodTimes => ({ usual: undefined, sum: 0, count: 0 }));

  /** By which factor calls were slower than usual; updates what is usual. */
  function learn(): number {
    let excess = 0;
    let compared = 0;
    for (const times of touched) {
      const mean = times.sum / times.count;
      if (times.usual === undefined) {
        times.usual = mean;
      } else {
        const difference = mean - times.usual;
        excess += difference * times.count;
        compared += times.count;
        const rise = wasLimited ? RISE_WHEN_LIMITED : RISE;
        times.usual += difference * (difference < 0 ? FALL * Math.min(1, times.count / WINDOW_CALLS) : rise);
      }
      times.sum = 0;
      times.count = 0;
    }
    touched.clear();
    return compared === 0 ? 1 : Math.exp(excess / compared);
  }

  function adjust(): void {
    const gradient = Math.min(1, Math.max(MAX_DECREASE, TOLERANCE / learn()));
    const target = limit * gradient + Math.sqrt(limit);
    // A limit that nobody comes near says nothing about what could be borne.
    if (target < limit || mostInFlight * 2 > limit) limit += SMOOTHING * (target - limit);
    limit = Math.min(maxLimit, Math.max(minLimit, limit));
  }

  return {
    get limit() {
      return Math.floor(limit);
    },
    observe(method, tookMs, { inFlight, limited }) {
      const times = timesOf(method);
      times.sum += Math.log(Math.max(MIN_MS, tookMs));
      times.count += 1;
      touched.add(times);
      calls += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      wasLimited ||= limited;
      const now = nowMs();
      if (calls < WINDOW_CALLS || now - windowAt < WINDOW_MS) return;
      adjust();
      windowAt = now;
      calls = 0;
      mostInFlight = 0;
      wasLimited = false;
    },
    expectedMs(method) {
      const { usual } = timesOf(method);
      return usual === undefined ? 0 : Math.exp(usual);
    },
  };
}
