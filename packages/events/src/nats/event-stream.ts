import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";

/** By which those who take events of one aggregate keep them in order. */
export const AGGREGATE_HEADER = "Tenon-Aggregate-Id";
/** The span of the publishing, by which the span of the dealing with it is found from there. */
export const TRACE_HEADER = "traceparent";

/** Where events of one type are told, and the stream that keeps them. */
export const subjectOf = (type: string): string => `events.${type}`;
export const streamOf = (type: string): string => type.replaceAll(".", "_");

const WEEK_MS = 7 * 24 * 3_600_000;

/**
 * The stream of a type of events. It is no store: the outbox has everything for as long, and the oldest goes first where
 * the limit is reached. Repetitions are not kept out of it, since those who listen know them, however late they come.
 */
const streamConfig = (type: string) =>
  ({
    name: streamOf(type),
    subjects: [subjectOf(type)],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(WEEK_MS),
    max_bytes: 256 * 1024 * 1024,
    max_msg_size: 1024 * 1024,
  }) satisfies Partial<StreamConfig>;

/**
 * Declares the stream of a type, which belongs to who publishes it; may be repeated. Where there is none, because nobody
 * made one yet or the broker has lost it, `onMissing` runs first: what was published is to be told again.
 */
export async function ensureStream(manager: JetStreamManager, type: string, onMissing: () => Promise<unknown>) {
  const { name, ...config } = streamConfig(type);
  try {
    // Keeps what operators have set besides, such as the number of replicas.
    await manager.streams.update(name, config);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await onMissing();
    await manager.streams.add({ name, ...config });
  }
}

/** Whether the broker still has the stream of a type. */
export async function hasStream(manager: JetStreamManager, type: string): Promise<boolean> {
  try {
    await manager.streams.info(streamOf(type));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** After so long without a word about an event, because who took it was killed, another gets it. */
const ACK_WAIT_MS = 30_000;

/**
 * Declares the consumer of a subscriber, which all of its replicas share; may be repeated. Rejects where there is no stream
 * yet. Events are delivered again for as long as the stream keeps them: a subscriber takes what it cannot use, so only
 * those that it could not take at all are. It names the delay itself: with `backoff`, nats-server 2.9 forgets it.
 */
export async function ensureConsumer(manager: JetStreamManager, type: string, subscriber: string): Promise<void> {
  const config = {
    durable_name: subscriber,
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: 256,
  } satisfies Partial<ConsumerConfig>;
  await manager.consumers.add(streamOf(type), config);
}

/** The broker has no such stream. */
export const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
