import { withSignal } from "@tenon/database";
import { createPeriodicWorker, sampledGauge, type Worker } from "@tenon/runtime";
import { Counter, type Registry } from "prom-client";
import { createInbox, EVENT_OUTCOMES, type Inbox, type InboxOptions } from "./inbox/event-inbox.ts";
import { createFailedEvents } from "./inbox/failed-events.ts";

export interface ListeningOptions<Tables> extends Omit<InboxOptions<Tables>, "onOutcome"> {
  /** Learns what became of events, by type and outcome, and how many are dead letters. */
  registry: Registry;
}

export interface Listening {
  readonly inbox: Inbox;
  /** Tries failed events again. */
  readonly workers: readonly Worker[];
}

const RETRY_INTERVAL_MS = 500;

/** The inbox of a service that listens to others, with its worker and its metrics. */
export function createListening<Tables>({ registry, ...options }: ListeningOptions<Tables>): Listening {
  const { db, subscriptions, logger } = options;
  const received = new Counter({
    name: "tenon_events_received_total",
    help: "Events by what became of them: applied, known, ignored, failed (tried again) or dead.",
    labelNames: ["type", "outcome"],
    registers: [registry],
  });
  for (const { schema } of subscriptions) {
    for (const outcome of EVENT_OUTCOMES) received.inc({ type: schema.typeName, outcome }, 0);
  }
  sampledGauge({
    name: "tenon_events_dead_letters",
    help: "Events that failed too often and wait for people.",
    ...{ registry, logger },
    async sample(signal) {
      return [{ value: await createFailedEvents({ db: withSignal(db, signal) }).countDead() }];
    },
  });
  const inbox = createInbox({ ...options, onOutcome: (type, outcome) => received.inc({ type, outcome }) });
  const work = (signal: AbortSignal) => inbox.retryFailed(signal);
  return {
    inbox,
    workers: [createPeriodicWorker({ name: "failed-events", intervalMs: RETRY_INTERVAL_MS, work, logger })],
  };
}
