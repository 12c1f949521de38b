import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type NatsConnection as Connection, connect } from "@nats-io/transport-node";
import { StartError, StatusError } from "@tenon/errors";

/** A JetStream that may come and go. */
export interface NatsConnection {
  /** The broker, connected to when it is first needed and again once it was lost; rejects with UNAVAILABLE where it cannot be reached. */
  use(): Promise<Broker>;
  /** Ends the connection; what waits for the broker fails. */
  close(): Promise<void>;
}

export interface Broker {
  readonly streams: JetStreamClient;
  readonly manager: JetStreamManager;
}

export interface NatsConnectionOptions {
  /** `nats://user:password@host:4222`, or `tls://` for one that proves itself; several separated by commas. */
  url: string;
  /** Whose connection it is, for people who look at the broker. */
  name: string;
  /** For connecting, and for one answer of the broker; by default 4 s. */
  timeoutMs?: number;
}

/** Throws a StartError where the url cannot be one. */
export function createNatsConnection({ url, name, timeoutMs = 4000 }: NatsConnectionOptions): NatsConnection {
  const servers = toServers(url);
  let current: Promise<Connection> | undefined;
  let closed = false;

  async function open(): Promise<Connection> {
    try {
      const connection = await connect({
        ...servers,
        name,
        timeout: timeoutMs,
        // Once connected it comes back by itself, however long that takes.
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        pingInterval: 10_000,
        maxPingOut: 2,
      });
      if (closed) await connection.close();
      return connection;
    } catch (cause) {
      throw new StatusError("UNAVAILABLE", "the broker cannot be reached", { cause });
    }
  }

  return {
    async use() {
      if (closed) throw new StatusError("UNAVAILABLE", "the connection to the broker is closed");
      current ??= open();
      const connection = await current.catch((error: unknown) => {
        current = undefined;
        throw error;
      });
      if (connection.isClosed()) {
        current = undefined;
        throw new StatusError("UNAVAILABLE", "the connection to the broker was lost");
      }
      const options = { timeout: timeoutMs };
      const manager = await jetstreamManager(connection, { ...options, checkAPI: false });
      return { manager, streams: jetstream(connection, options) };
    },
    async close() {
      closed = true;
      await (await current?.catch(() => undefined))?.close();
    },
  };
}

function toServers(text: string) {
  const urls = text.split(",").map((each) => (URL.canParse(each.trim()) ? new URL(each.trim()) : undefined));
  const [first] = urls;
  const known = urls.every((url) => url && /^(nats|tls):$/.test(url.protocol) && url.hostname !== "");
  if (first === undefined || !known) {
    throw new StartError("NATS_URL is not of the form nats://user:password@host:4222, or several separated by commas");
  }
  const { username, password, protocol } = first;
  return {
    servers: urls.flatMap((url) => (url ? `${url.hostname}:${url.port || 4222}` : [])),
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(protocol === "tls:" && { tls: {} }),
  };
}
