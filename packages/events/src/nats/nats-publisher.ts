import { JetStreamApiError } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { StatusError } from "@tenon/errors";
import { currentTraceParent } from "@tenon/interceptors";
import type { OutboxEvent } from "../outbox/event-outbox.ts";
import type { Publisher } from "../publisher.ts";
import { AGGREGATE_HEADER, ensureStream, hasStream, subjectOf, TRACE_HEADER } from "./event-stream.ts";
import type { Broker, NatsConnection } from "./nats-connection.ts";

export interface NatsPublisherOptions {
  connection: NatsConnection;
  /** The broker has nothing of what was published, so that it is to be told again: the outbox's `replay`. */
  onStreamMissing: () => Promise<unknown>;
}

export interface NatsPublisher extends Publisher {
  /**
   * Declares the stream of a type, and again where the broker has lost it since. Done now and then, so that a loss is
   * noticed also while there is nothing to tell.
   */
  keepStream(type: string): Promise<void>;
}

/**
 * Publishes events to JetStream, which acknowledges before it writes to disk: an event that it loses is still in the
 * outbox. It declares the streams, when it first publishes to one and whenever one is gone.
 */
export function createNatsPublisher({ connection, onStreamMissing }: NatsPublisherOptions): NatsPublisher {
  const declared = new Map<string, Promise<void>>();

  /** Once for each type, until it turns out that the stream is gone. */
  function declare({ manager }: Broker, type: string): Promise<void> {
    const declaring = declared.get(type) ?? ensureStream(manager, type, onStreamMissing);
    declared.set(type, declaring);
    return declaring;
  }

  return {
    async keepStream(type) {
      const broker = await connection.use();
      if (declared.has(type) && !(await hasStream(broker.manager, type))) declared.delete(type);
      await declare(broker, type).catch((error: unknown) => {
        declared.delete(type);
        throw error;
      });
    },

    async publish({ type, aggregateId, message }: OutboxEvent) {
      const broker = await connection.use();
      const about = headers();
      about.set(AGGREGATE_HEADER, aggregateId);
      const traceParent = currentTraceParent();
      if (traceParent !== undefined) about.set(TRACE_HEADER, traceParent);
      try {
        await declare(broker, type);
        await broker.streams.publish(subjectOf(type), message, { headers: about });
      } catch (cause) {
        // The broker answered, and has something against this event.
        if (cause instanceof JetStreamApiError && cause.status === 400) throw cause;
        // Nobody answers to the subject: the broker restarts, or has lost the stream.
        declared.delete(type);
        throw new StatusError("UNAVAILABLE", "the broker did not take an event", { cause });
      }
    },
  };
}
