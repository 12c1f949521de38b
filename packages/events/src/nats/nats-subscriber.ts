import { setTimeout as wait } from "node:timers/promises";
import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { inTraceOf } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import type { Worker } from "@tenon/runtime";
import type { Inbox } from "../inbox/event-inbox.ts";
import { AGGREGATE_HEADER, ensureConsumer, isMissing, streamOf, TRACE_HEADER } from "./event-stream.ts";
import type { NatsConnection } from "./nats-connection.ts";

export interface NatsSubscriberOptions {
  connection: NatsConnection;
  inbox: Inbox;
  /** The service, whose replicas share what comes. */
  name: string;
  logger: Logger;
  /** Events of one type at once; by default 16. */
  batch?: number;
  /** Between two attempts while the broker or a stream is not there: doubles up to this; by default 5 s. */
  longestPauseMs?: number;
  /** From 0 to 1, for the jitter of delays. */
  random?: () => number;
}

/** An event that could not be taken, because the database is not there, comes again after a second, then less often. */
const RETURN_MS = 1000;
const LONGEST_RETURN_MS = 30_000;
/** After so long without an event the broker is asked anew, which shows whether it still knows us. */
const ASK_MS = 5000;
const FIRST_PAUSE_MS = 100;

/** Takes the events of every type that an inbox listens to from JetStream. */
export function createNatsSubscriber(options: NatsSubscriberOptions): Worker {
  const { connection, inbox, name, logger, batch = 16, longestPauseMs = 5000, random = Math.random } = options;
  const stopping = new AbortController();
  const open = new Set<ConsumerMessages>();
  let running: Promise<unknown> | undefined;

  async function listen(type: string): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        const { manager, streams } = await connection.use();
        await ensureConsumer(manager, type, name);
        const consumer = await streams.consumers.get(streamOf(type), name);
        failures = 0;
        while (!stopping.signal.aborted) {
          const messages = await consumer.fetch({ max_messages: batch, expires: ASK_MS });
          await takeAll(type, messages);
        }
      } catch (err) {
        if (stopping.signal.aborted) return;
        const message = "events cannot be taken from the broker";
        if (failures === 0 && isMissing(err)) logger.info({ type }, "nobody has published events of a type yet");
        else if (failures === 0) logger.warn({ err, type }, message);
        else logger.debug({ err, type }, message);
        await pause(failures++);
      }
    }
  }

  /** Events of one aggregate one after the other, others at once. */
  async function takeAll(type: string, messages: ConsumerMessages): Promise<void> {
    open.add(messages);
    const lanes = new Map<string, Promise<void>>();
    try {
      for await (const message of messages) {
        const aggregate = message.headers?.get(AGGREGATE_HEADER) ?? "";
        const before = lanes.get(aggregate) ?? Promise.resolve();
        lanes.set(
          aggregate,
          before.then(() => take(type, message)),
        );
      }
    } finally {
      open.delete(messages);
      await Promise.all(lanes.values());
    }
  }

  async function take(type: string, message: JsMsg): Promise<void> {
    try {
      await inTraceOf(message.headers?.get(TRACE_HEADER) || undefined, () => inbox.receive(type, message.data));
      message.ack();
    } catch (err) {
      logger.warn({ err, type }, "an event could not be taken and comes again");
      message.nak(Math.min(LONGEST_RETURN_MS, RETURN_MS * 2 ** Math.min(message.info.deliveryCount - 1, 16)));
    }
  }

  async function pause(failures: number): Promise<void> {
    const ms = Math.min(longestPauseMs, FIRST_PAUSE_MS * 2 ** Math.min(failures, 16)) * (1 - random() / 2);
    await wait(ms, undefined, { signal: stopping.signal }).catch(() => {});
  }

  return {
    name: "event-subscriber",
    start() {
      running = Promise.all(inbox.types.map(listen));
    },
    async stop() {
      stopping.abort();
      for (const messages of open) messages.stop();
      await running;
    },
  };
}
