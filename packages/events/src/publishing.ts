import type { DescMessage } from "@bufbuild/protobuf";
import { type Listener, withSignal } from "@tenon/database";
import type { Logger } from "@tenon/logger";
import { createPeriodicWorker, sampledGauge, type Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import { Counter, type Registry } from "prom-client";
import { createGrpcPublisher, type GrpcPublisherOptions } from "./grpc-publisher.ts";
import type { NatsConnection } from "./nats/nats-connection.ts";
import { createNatsPublisher } from "./nats/nats-publisher.ts";
import { createOutbox, type Outbox } from "./outbox/event-outbox.ts";
import { createRelay } from "./relay.ts";

/** The trigger of the outbox notifies on it. */
export const OUTBOX_CHANNEL = "outbox";

export interface PublishingOptions {
  // biome-ignore lint/suspicious/noExplicitAny: whatever else is in the service's database.
  db: Kysely<any>;
  /** Of OUTBOX_CHANNEL among others, on the same database. */
  listener: Listener;
  /** The types of the service's events. */
  types: readonly DescMessage[];
  /** The broker that carries them. Without one they are delivered to `subscribers` by calls. */
  nats: NatsConnection | undefined;
  subscribers: GrpcPublisherOptions["subscribers"];
  logger: Logger;
  /** Learns how many events were published, by their type, and how long the oldest one has waited. */
  registry: Registry;
  /** How long events are kept once they are published, for `replay`; by default 7 days. */
  keepMs?: number;
}

const WEEK_MS = 7 * 24 * 3_600_000;
const DELETE_INTERVAL_MS = 600_000;
/** How soon a stream that the broker has lost is filled again where nothing happens. */
const STREAM_INTERVAL_MS = 5000;

/** The workers of a service that tells what happened in it: the relay of its outbox, and the end of what is old. */
export function createPublishing(options: PublishingOptions): Worker[] {
  const { db, listener, logger, registry, keepMs = WEEK_MS } = options;
  const outbox = createOutbox({ db });
  const { publisher, workers } = createCarrier(options, outbox);
  const published = new Counter({
    name: "tenon_events_published_total",
    help: "Events that were published, repetitions included, by their type.",
    labelNames: ["type"],
    registers: [registry],
  });
  sampledGauge({
    name: "tenon_outbox_oldest_unpublished_seconds",
    help: "How long the oldest event that is not published has waited; 0 where all are.",
    ...{ registry, logger },
    async sample(signal) {
      return [{ value: (await createOutbox({ db: withSignal(db, signal) }).oldestUnpublishedMs()) / 1000 }];
    },
  });
  return [
    ...workers,
    createRelay({
      outbox,
      publisher,
      onDue: (wake) => listener.subscribe(OUTBOX_CHANNEL, { onNotify: wake, onGap: wake }),
      logger,
      onPublished: ({ type }) => published.inc({ type }),
    }),
    createPeriodicWorker({
      name: "old-events",
      intervalMs: DELETE_INTERVAL_MS,
      work: (signal) => outbox.deletePublished({ keepMs, signal }),
      logger,
    }),
  ];
}

/** What carries the events away, with what it needs to be done besides. */
function createCarrier({ nats, types, subscribers, logger }: PublishingOptions, outbox: Outbox) {
  if (nats === undefined) return { publisher: createGrpcPublisher({ subscribers }), workers: [] };
  const publisher = createNatsPublisher({ connection: nats, onStreamMissing: () => Array.fromAsync(outbox.replay()) });
  const work = () => Promise.all(types.map(({ typeName }) => publisher.keepStream(typeName)));
  const worker = createPeriodicWorker({ name: "event-streams", intervalMs: STREAM_INTERVAL_MS, work, logger });
  return { publisher, workers: [worker] };
}
