import { createHash } from "node:crypto";
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { StatusError } from "@tenon/errors";
import { tracedWork, traceIdOf } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import type { Kysely, Transaction } from "kysely";
import type { EventMessage } from "../event-message.ts";
import { createFailedEvents, type DeadLetter, type FailedEvent } from "./failed-events.ts";
import { claimVersion } from "./inbox-version.ts";

/** What is done about events of one type. */
export interface Subscription<Tables> {
  readonly schema: DescMessage;
  /** The effect of an event, to be run in the transaction that remembers it; undefined where it is nothing to us. */
  readonly effectOf: (event: EventMessage) => Effect<Tables> | undefined;
}

export type Effect<Tables> = (tx: Transaction<Tables>) => Promise<unknown>;

/** Listens to one type of events. */
export const subscription = <Tables, S extends DescMessage>(
  schema: S,
  effectOf: (event: MessageShape<S>) => Effect<Tables> | undefined,
): Subscription<Tables> => ({ schema, effectOf: effectOf as unknown as Subscription<Tables>["effectOf"] });

export interface InboxOptions<Tables> {
  db: Kysely<Tables>;
  subscriptions: readonly Subscription<Tables>[];
  logger: Logger;
  /** Attempts at an effect, after which the event is a dead letter; by default 8, which takes some two minutes. */
  maxAttempts?: number;
  /** Hears what became of each event that arrived or was tried again. */
  onOutcome?: (type: string, outcome: EventOutcome) => void;
}

/** `known`: it, or a later version, had its effect before. `failed`: it is tried again. `dead`: it waits for people. */
export type EventOutcome = "applied" | "known" | "ignored" | "failed" | "dead";
export const EVENT_OUTCOMES: readonly EventOutcome[] = ["applied", "known", "ignored", "failed", "dead"];

/** Takes events in, however they come, and has each take effect once. */
export interface Inbox {
  /** The types that are listened to. */
  readonly types: readonly string[];
  /**
   * Resolves once the sender need not keep the event: it had its effect, or had it before, or is written down to be tried
   * again. Rejects with INVALID_ARGUMENT (EVENT_UNKNOWN) where nobody listens to its type; with UNAVAILABLE where the
   * database is not there. What is no event of its type is a dead letter at once.
   */
  receive(type: string, message: Uint8Array): Promise<void>;
  /** The same for one that is decoded. */
  receiveMessage(event: EventMessage): Promise<void>;
  /** Tries failed events again whose time has come, until none is left; resolves with their number. */
  retryFailed(signal?: AbortSignal): Promise<number>;
  /** Has every dead letter tried again from the beginning, and yields each. */
  redrive(): AsyncIterable<DeadLetter>;
}

/**
 * One row for each aggregate, with the last version that took effect, is written in the transaction of the effect. So
 * what arrives twice, or late, or again from a replayed outbox, has no second effect; and a version that overtook another
 * stands, since each event has the whole state.
 */
export function createInbox<Tables>(options: InboxOptions<Tables>): Inbox {
  const { db, logger, maxAttempts, onOutcome = () => {} } = options;
  const subscriptions = new Map(options.subscriptions.map((each) => [each.schema.typeName, each]));
  const failedEvents = createFailedEvents({ db, maxAttempts });
  const validator = createValidator();

  /** The event, or why the bytes are none. */
  function read(type: string, message: Uint8Array): EventMessage | Error {
    const { schema } = subscriptionOf(type);
    try {
      const event = fromBinary(schema, message) as EventMessage;
      const { kind, error } = validator.validate(schema, event);
      return kind === "valid" ? event : invalid(type, error);
    } catch (cause) {
      return invalid(type, cause);
    }
  }

  const invalid = (type: string, cause: unknown) =>
    new StatusError("INVALID_ARGUMENT", `this is no ${type}`, { reason: "VALIDATION_FAILED", cause });

  function subscriptionOf(type: string): Subscription<Tables> {
    const found = subscriptions.get(type);
    if (found) return found;
    throw new StatusError("INVALID_ARGUMENT", `nobody listens to ${type} here`, { reason: "EVENT_UNKNOWN" });
  }

  function apply(event: EventMessage): Promise<EventOutcome> {
    const { $typeName: type, traceparent } = event;
    const effect = subscriptionOf(type).effectOf(event);
    if (effect === undefined) return Promise.resolve("ignored");
    const attributes = {
      "messaging.operation.type": "process",
      "messaging.destination.name": type,
      "messaging.message.id": event.id,
    };
    return tracedWork(
      { name: `process ${type}`, kind: "consumer", traceParent: traceparent || undefined, attributes },
      () =>
        db.transaction().execute(async (tx) => {
          if (!(await claimVersion(tx, event))) return "known";
          await effect(tx);
          return "applied";
        }),
    );
  }

  /** One attempt; a failure is written down, unless the database cannot. */
  async function attempt({ eventId, type, attempts }: Attempt, event: EventMessage | Error, message: () => Uint8Array) {
    try {
      if (event instanceof Error) throw event;
      const outcome = await apply(event);
      onOutcome(type, outcome);
    } catch (err) {
      if (err instanceof StatusError && err.code === "UNAVAILABLE") throw err;
      // What cannot be read today cannot be read tomorrow.
      const final = event instanceof Error;
      const dead = await failedEvents.note({ eventId, type, message: message(), attempts }, { error: err, final });
      onOutcome(type, dead ? "dead" : "failed");
      const trace_id = event instanceof Error ? undefined : traceIdOf(event.traceparent);
      const facts = { err, event_id: eventId, type, trace_id };
      if (dead) logger.error(facts, "an event is a dead letter");
      else logger.warn(facts, "the effect of an event failed and is tried again");
      return false;
    }
    return true;
  }

  return {
    types: [...subscriptions.keys()],

    async receive(type, message) {
      const event = read(type, message);
      const eventId = event instanceof Error ? hashId(type, message) : event.id;
      await attempt({ eventId, type, attempts: 0 }, event, () => message);
    },

    async receiveMessage(event) {
      const { $typeName: type, id: eventId } = event;
      const { schema } = subscriptionOf(type);
      await attempt({ eventId, type, attempts: 0 }, event, () => toBinary(schema, event));
    },

    async retryFailed(signal) {
      for (let tried = 0; ; tried++) {
        const failed = signal?.aborted ? undefined : await failedEvents.claimDue();
        if (failed === undefined) return tried;
        const { eventId, type, message } = failed;
        if (await attempt(failed, read(type, message), () => message)) await failedEvents.forget(eventId);
      }
    },

    redrive: () => failedEvents.redrive(),
  };
}

type Attempt = Pick<FailedEvent, "eventId" | "type" | "attempts">;

/** A UUID (version 8) of bytes that have none. */
function hashId(type: string, message: Uint8Array): string {
  const hex = createHash("sha256").update(type).update("\0").update(message).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
