import { StatusError } from "@tenon/errors";
import { retryDelay } from "./retry-delay.ts";

export interface OutageBrakeOptions {
  now: () => Date;
  /** From 0 to 1, for the jitter of delays. */
  random: () => number;
  /** So many failures in a row put it on; by default 5. */
  failuresInARow?: number;
  /** Longest time between two probes; by default 5 s. */
  longestMs?: number;
}

/**
 * Keeps the worker from trying every order at a service that is down: after some failures in a row that say so, one order
 * at a time goes, as a probe, with a growing time between, until one is answered. The others wait untouched, and so
 * are taken up in order of age afterwards.
 */
export interface OutageBrake {
  /** How many orders may begin now, where `free` could and `inWork` have begun. */
  admit(free: number, inWork: number): number;
  /** How long until another probe is due, in milliseconds; 0 where none has to be waited for. */
  waitMs(): number;
  /** How an order came back: with what it failed with, or with undefined. */
  note(error: unknown): void;
}

export function createOutageBrake(options: OutageBrakeOptions): OutageBrake {
  const { now, random, failuresInARow = 5, longestMs = 5000 } = options;
  let failures = 0;
  let probes = 0;
  let isProbing = false;
  let nextProbeAt = new Date(0);

  const isOn = () => failures >= failuresInARow;
  const waitMs = () => (isOn() ? Math.max(0, nextProbeAt.getTime() - now().getTime()) : 0);

  return {
    waitMs,
    admit(free, inWork) {
      if (!isOn()) return free;
      if (free === 0 || inWork > 0 || waitMs() > 0) return 0;
      isProbing = true;
      return 1;
    },
    note(error) {
      if (isOutage(error)) {
        failures += 1;
        // Those that had begun before it went on are no probes.
        if (isProbing) probes += 1;
        isProbing = false;
        nextProbeAt = new Date(now().getTime() + retryDelay(probes, { error, random, longestMs }));
      } else {
        failures = 0;
        probes = 0;
        isProbing = false;
      }
    },
  };
}

/** The service, or one behind it, was not there; any other error is an answer. */
const isOutage = (error: unknown): boolean =>
  error instanceof StatusError && (error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED");
