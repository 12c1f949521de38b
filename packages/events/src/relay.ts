import { setTimeout as wait } from "node:timers/promises";
import { tracedWork, traceIdOf } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import type { Worker } from "@tenon/runtime";
import { readEvent } from "./event-message.ts";
import type { Outbox, OutboxEvent } from "./outbox/event-outbox.ts";
import { isUnreachable, type Publisher } from "./publisher.ts";

export interface RelayOptions {
  outbox: Outbox;
  publisher: Publisher;
  /** Calls back whenever there may be something to tell, until the function that it returns is called. */
  onDue: (wake: () => void) => () => void;
  logger: Logger;
  /** Hears of each event that is published. */
  onPublished?: (event: OutboxEvent) => void;
  /** Events claimed at once; by default 64. */
  batch?: number;
  /** Of these told at the same time; by default 16. */
  concurrency?: number;
  /** How often to look for what nobody called for: events whose delay or whose claimant's lease ran out. By default 1 s. */
  pollMs?: number;
  /** For one event; by default 5 s. A batch takes less than the lease of a claim. */
  publishTimeoutMs?: number;
  /** Where nobody can be reached: the longest time between two attempts, in which it doubles from 100 ms; by default 5 s. */
  longestPauseMs?: number;
  /** From 0 to 1, for the jitter of delays. */
  random?: () => number;
}

/** One event that is refused waits, each time longer, up to this; others go on. */
const LONGEST_DELAY_MS = 60_000;
const FIRST_MS = 100;

/**
 * Tells the events of an outbox, each at least once, and each version of an aggregate after the one before it. Any number
 * of relays share an outbox. Nothing is ever given up: an event that is refused holds back only its own aggregate.
 */
export function createRelay(options: RelayOptions): Worker {
  const { outbox, publisher, onDue, logger, onPublished = () => {}, random = Math.random } = options;
  const { batch = 64, concurrency = 16, pollMs = 1000, publishTimeoutMs = 5000, longestPauseMs = 5000 } = options;
  const stopping = new AbortController();
  let alarm = Promise.withResolvers<void>();
  let running: Promise<void> | undefined;
  let pauses = 0;
  /** Told, and still to be marked. */
  let told: readonly OutboxEvent[] = [];

  const growing = (attempts: number, longestMs: number) =>
    Math.min(longestMs, FIRST_MS * 2 ** Math.min(attempts, 16)) * (1 - random() / 2);

  async function run(): Promise<void> {
    const unsubscribe = onDue(() => alarm.resolve());
    while (!stopping.signal.aborted) {
      // Armed before looking, so that what is written meanwhile is not slept through.
      alarm = Promise.withResolvers();
      const went = await round();
      if (went === "blocked") await pause();
      else pauses = 0;
      if (went === "nothing") await alarmOr(pollMs);
    }
    unsubscribe();
    await markTold().catch((err) =>
      logger.warn({ err }, "events that were told cannot be marked: they are told again"),
    );
  }

  async function round(): Promise<"some" | "nothing" | "blocked"> {
    try {
      const claimed = await outbox.claim(batch, told);
      told = [];
      if (claimed.length === 0) return "nothing";
      return (await tell(claimed)) ? "some" : "blocked";
    } catch (err) {
      noteBlocked(err, "events cannot be read or marked");
      return "blocked";
    }
  }

  /** False where the way was blocked. */
  async function tell(claimed: readonly OutboxEvent[]): Promise<boolean> {
    const waiting = [...claimed];
    const published: OutboxEvent[] = [];
    const untold: OutboxEvent[] = [];
    const refused: { event: OutboxEvent; err: unknown }[] = [];
    let blocked = false;
    const lane = async () => {
      for (let event = waiting.shift(); event; event = waiting.shift()) {
        if (blocked || stopping.signal.aborted) {
          untold.push(event);
          continue;
        }
        try {
          await publish(event);
          published.push(event);
          onPublished(event);
        } catch (err) {
          if (isUnreachable(err)) {
            if (!blocked) noteBlocked(err, "events cannot be told: they are kept");
            blocked = true;
            untold.push(event);
          } else refused.push({ event, err });
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
    told = published;
    // Else with the next claim, which follows at once.
    if (blocked) await markTold();
    await outbox.release(untold);
    for (const { event, err } of refused) await postpone(event, err);
    return !blocked;
  }

  /** In a span of the trace that the fact belongs to: those who are called go on with it. */
  const publish = (event: OutboxEvent): Promise<void> =>
    tracedWork(
      {
        name: `publish ${event.type}`,
        kind: "producer",
        traceParent: traceParentOf(event),
        attributes: aboutOf(event),
      },
      () => publisher.publish(event, AbortSignal.timeout(publishTimeoutMs)),
    );

  async function markTold(): Promise<void> {
    await outbox.markPublished(told);
    told = [];
  }

  async function postpone(event: OutboxEvent, err: unknown): Promise<void> {
    const { eventId: event_id, type, attempts } = event;
    const delayMs = growing(attempts - 1, LONGEST_DELAY_MS);
    const trace_id = traceIdOf(traceParentOf(event));
    logger.warn({ err, event_id, type, attempts, delay_ms: Math.round(delayMs), trace_id }, "an event was refused");
    await outbox.postpone(event, delayMs);
  }

  /** Once for each time that it happens, not for each attempt. */
  function noteBlocked(err: unknown, message: string): void {
    if (pauses === 0) logger.warn({ err }, message);
    else logger.debug({ err }, message);
  }

  async function pause(): Promise<void> {
    await sleep(growing(pauses++, longestPauseMs), stopping.signal);
  }

  async function alarmOr(timeoutMs: number): Promise<void> {
    const awake = new AbortController();
    await Promise.race([alarm.promise, sleep(timeoutMs, awake.signal)]);
    awake.abort();
  }

  return {
    name: "event-relay",
    start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      alarm.resolve();
      await running;
    },
  };
}

/** Undefined where the fact belongs to no trace, and where the message cannot be read, of which the publisher tells. */
function traceParentOf(event: OutboxEvent): string | undefined {
  try {
    return readEvent(event).event.traceparent || undefined;
  } catch {
    return undefined;
  }
}

const aboutOf = ({ type, eventId }: OutboxEvent) => ({
  "messaging.operation.type": "send",
  "messaging.destination.name": type,
  "messaging.message.id": eventId,
});

const sleep = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal }).catch(() => {});
