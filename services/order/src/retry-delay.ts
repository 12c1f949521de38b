import { StatusError } from "@tenon/errors";

const FIRST_MS = 100;
const LONGEST_MS = 15_000;

/**
 * How long to wait after a failed attempt, in milliseconds: doubles with each, from 100 ms to 15 s, less a random part
 * of up to a half so that orders that failed together do not come back together. Never shorter than what the service that
 * failed asked for, unless that is longer than 15 s.
 */
export function retryDelay(attempts: number, { error, random }: { error: unknown; random: () => number }): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts, 16));
  const askedForMs = error instanceof StatusError ? (error.retryDelayMs ?? 0) : 0;
  return Math.max(Math.round(longest * (1 - random() / 2)), Math.min(askedForMs, LONGEST_MS));
}
