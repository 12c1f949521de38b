import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@tenon/logger";
import pg from "pg";

export interface ListenerOptions {
  /** As for `openDatabase`; not through a pooler that shares sessions. */
  url: string;
  /** Names of lower-case letters, digits and `_`. */
  channels: readonly string[];
  logger: Logger;
  /** Time between two proofs that the connection lives; by default 15 s. */
  heartbeatMs?: number;
}

export interface Subscriber {
  /** A NOTIFY of the channel, by whichever replica, after its transaction has committed. */
  onNotify(payload: string): void;
  /** The connection was made, anew or for the first time: notifications may have been missed, so look at the data. */
  onGap(): void;
}

/** Hears PostgreSQL's notifications. */
export interface Listener {
  /**
   * Subscribes at once, whether the database is up or not: subscribe first, then read, and read again at each gap, and
   * nothing is missed. Returns what ends it.
   */
  subscribe(channel: string, subscriber: Subscriber): () => void;
  close(): Promise<void>;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5_000;
const ANSWER_LIMIT_MS = 5_000;

/** LISTEN on one connection of its own, made in the background and again whenever it is lost, for any number of subscribers. */
export function createListener({ url, channels, logger, heartbeatMs = 15_000 }: ListenerOptions): Listener {
  const subscribers = new Map(channels.map((channel) => [channel, new Set<Subscriber>()]));
  const closed = new AbortController();
  const tell = (all: Iterable<Subscriber>, what: (subscriber: Subscriber) => void) => {
    for (const subscriber of all) {
      try {
        what(subscriber);
      } catch (error) {
        logger.error({ err: error }, "a subscriber to notifications threw");
      }
    }
  };

  /** Connects and hears until the connection is lost; resolves with whether it was there at all. */
  const hear = async (): Promise<boolean> => {
    const client = new pg.Client({
      connectionString: url,
      application_name: "tenon listener",
      connectionTimeoutMillis: ANSWER_LIMIT_MS,
      query_timeout: ANSWER_LIMIT_MS,
      keepAlive: true,
    });
    const lost = new AbortController();
    const lose = (why?: unknown) => lost.abort(why);
    client.on("error", lose).on("end", lose);
    closed.signal.addEventListener("abort", lose, { once: true });
    client.on("notification", ({ channel, payload = "" }) => {
      tell([...(subscribers.get(channel) ?? [])], ({ onNotify }) => onNotify(payload));
    });
    let connected = false;
    try {
      await client.connect();
      for (const channel of channels) await client.query(`listen ${client.escapeIdentifier(channel)}`);
      connected = true;
      for (const all of subscribers.values()) tell([...all], ({ onGap }) => onGap());
      while (!lost.signal.aborted) {
        await delay(heartbeatMs, undefined, { signal: lost.signal });
        await client.query("select 1");
      }
    } catch (error) {
      if (!closed.signal.aborted) logger.warn({ err: error }, "notifications of the database are interrupted");
    } finally {
      closed.signal.removeEventListener("abort", lose);
      // A connection that does not answer would not answer the goodbye either.
      await Promise.race([client.end(), delay(1000, undefined, { ref: false })]).catch(() => {});
    }
    return connected;
  };

  const hearing = (async () => {
    let waitMs = RETRY_FIRST_MS;
    while (!closed.signal.aborted) {
      waitMs = (await hear()) ? RETRY_FIRST_MS : Math.min(waitMs * 2, RETRY_MAX_MS);
      await delay(waitMs, undefined, { signal: closed.signal }).catch(() => {});
    }
  })();

  return {
    subscribe(channel, subscriber) {
      const all = subscribers.get(channel);
      if (!all) throw new TypeError(`${channel} is not a channel of this listener`);
      // Wrapped: one subscriber may subscribe twice, and end one of the two.
      const own = { onNotify: (payload: string) => subscriber.onNotify(payload), onGap: () => subscriber.onGap() };
      all.add(own);
      return () => void all.delete(own);
    },
    async close() {
      closed.abort();
      await hearing;
    },
  };
}
