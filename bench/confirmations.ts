import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

/** Tells when orders are confirmed, by looking where they are written: nothing of the service is busy with it. */
export interface Confirmations {
  /** Resolves once the order is confirmed. Rejects where it ended otherwise. */
  of(orderId: string): Promise<void>;
  close(): Promise<void>;
}

/** How exactly times are known. */
const POLL_MS = 2;

export async function watchConfirmations(orderDatabaseUrl: string): Promise<Confirmations> {
  const client = new pg.Client(orderDatabaseUrl);
  await client.connect();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const closing = new AbortController();
  const looking = look();

  async function look(): Promise<void> {
    while (!closing.signal.aborted) {
      if (waiting.size > 0) await lookOnce();
      await delay(POLL_MS, undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  async function lookOnce(): Promise<void> {
    const text = "select id, state from orders where id = any($1) and next_attempt_at is null";
    const { rows } = await client.query<{ id: string; state: string }>(text, [[...waiting.keys()]]);
    for (const { id, state } of rows) {
      if (state === "CONFIRMED") waiting.get(id)?.resolve();
      else waiting.get(id)?.reject(new Error(`order ${id} is ${state}`));
      waiting.delete(id);
    }
  }

  return {
    of(orderId) {
      const confirmed = waiting.get(orderId) ?? Promise.withResolvers<void>();
      waiting.set(orderId, confirmed);
      return confirmed.promise;
    },
    async close() {
      closing.abort();
      await looking;
      await client.end();
    },
  };
}
