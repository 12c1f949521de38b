import { type Code, StatusError } from "@tenon/errors";
import type { OutboxEvent } from "./outbox/event-outbox.ts";

/** Carries events away. */
export interface Publisher {
  /**
   * Resolves once the event need not be kept for those who listen. Rejects otherwise: where nobody can be reached
   * (`isUnreachable`) with what says so, for whatever event; with anything else where it is about this event.
   */
  publish(event: OutboxEvent, signal: AbortSignal): Promise<void>;
}

/** The way is blocked, whatever is sent: to try other events now is of no use. */
export const isUnreachable = (error: unknown): boolean => error instanceof StatusError && BLOCKED.includes(error.code);

/** UNIMPLEMENTED: an older version of the subscriber, which listens to nothing yet. */
const BLOCKED: readonly Code[] = [
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "RESOURCE_EXHAUSTED",
  "UNAUTHENTICATED",
  "UNIMPLEMENTED",
];
