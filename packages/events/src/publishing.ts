import type { Listener } from "@tenon/database";
import type { Logger } from "@tenon/logger";
import { createPeriodicWorker, type Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import { Counter, Gauge, type Registry } from "prom-client";
import { createOutbox } from "./outbox/event-outbox.ts";
import type { Publisher } from "./publisher.ts";
import { createRelay } from "./relay.ts";

/** The trigger of the outbox notifies on it. */
export const OUTBOX_CHANNEL = "outbox";

export interface PublishingOptions {
  // biome-ignore lint/suspicious/noExplicitAny: whatever else is in the service's database.
  db: Kysely<any>;
  /** Of OUTBOX_CHANNEL among others, on the same database. */
  listener: Listener;
  publisher: Publisher;
  logger: Logger;
  /** Learns how many events were published, by their type, and how long the oldest one has waited. */
  registry: Registry;
  /** How long events are kept once they are published, for `replay`; by default 7 days. */
  keepMs?: number;
}

const WEEK_MS = 7 * 24 * 3_600_000;
const DELETE_INTERVAL_MS = 600_000;

/** The workers of a service that tells what happened in it: the relay of its outbox, and the end of what is old. */
export function createPublishing(options: PublishingOptions): Worker[] {
  const { db, listener, publisher, logger, registry, keepMs = WEEK_MS } = options;
  const outbox = createOutbox({ db });
  const published = new Counter({
    name: "tenon_events_published_total",
    help: "Events that were published, repetitions included, by their type.",
    labelNames: ["type"],
    registers: [registry],
  });
  new Gauge({
    name: "tenon_outbox_oldest_unpublished_seconds",
    help: "How long the oldest event that is not published has waited; 0 where all are.",
    registers: [registry],
    async collect() {
      this.set((await outbox.oldestUnpublishedMs().catch(() => Number.NaN)) / 1000);
    },
  });
  return [
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
