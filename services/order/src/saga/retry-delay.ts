import { StatusError } from "@tenon/errors";

const FIRST_MS = 100;
const LONGEST_MS = 15_000;

export interface RetryDelayOptions {
  error: unknown;
  /** From 0 to 1. */
  random: () => number;
  /** By default 15 s. */
  longestMs?: number;
}

/**
 * How long to wait after a failed attempt, in milliseconds: doubles with each, from 100 ms to `longestMs`, less a random
 * part of up to a half so that what failed together does not come back together. Never shorter than what the service that
 * failed asked for, unless that is longer than `longestMs`.
 */
export function retryDelay(attempts: number, { error, random, longestMs = LONGEST_MS }: RetryDelayOptions): number {
  const longest = Math.min(longestMs, FIRST_MS * 2 ** Math.min(attempts, 16));
  const askedForMs = error instanceof StatusError ? (error.retryDelayMs ?? 0) : 0;
  return Math.max(Math.round(longest * (1 - random() / 2)), Math.min(askedForMs, longestMs));
}
