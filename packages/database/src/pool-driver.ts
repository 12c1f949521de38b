import { AsyncLocalStorage } from "node:async_hooks";
import { StatusError } from "@tenon/errors";
import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult } from "kysely";
import type pg from "pg";
import { cancelRequest } from "./cancel-request.ts";
import { endsConnection, toDatabaseError, unavailable } from "./database-errors.ts";

/** How long PostgreSQL may take to cancel a statement before its connection is cut instead. */
const CANCEL_GRACE_MS = 1000;

/** Whose end ends the statements run now; undefined: nobody's. */
export type CurrentSignal = () => AbortSignal | undefined;

/**
 * Kysely's driver over a pool of pg: every statement that runs under a signal is cancelled when it aborts, every error
 * is translated, and a connection in doubt does not go back to the pool.
 */
export function createPoolDriver(pool: pg.Pool, currentSignal: CurrentSignal): Driver {
  // A connection made during a call would else keep that call's context for as long as the connection lives.
  const outside = AsyncLocalStorage.snapshot();
  const run = (connection: DatabaseConnection, sql: string) => connection.executeQuery(CompiledQuery.raw(sql));

  return {
    init: async () => {},
    async acquireConnection() {
      const signal = currentSignal();
      const client = await orAborted(
        outside(() => pool.connect()),
        signal,
      );
      return new Connection(client, signal);
    },
    async beginTransaction(connection, { isolationLevel, accessMode }) {
      const level = isolationLevel ? ` isolation level ${isolationLevel}` : "";
      await run(connection, `begin${level}${accessMode ? ` ${accessMode}` : ""}`);
    },
    async commitTransaction(connection) {
      // PostgreSQL answers ROLLBACK to the commit of a transaction that has failed.
      const { rows } = await run(connection, "commit");
      if ((rows[0] as { command?: string } | undefined)?.command === "ROLLBACK") {
        throw new Error("the transaction was rolled back: an error in it was swallowed");
      }
    },
    rollbackTransaction: (connection) => (connection as Connection).rollback(),
    releaseConnection: async (connection) => (connection as Connection).release(),
    // The pool is shared; who opened it ends it.
    destroy: async () => {},
  };
}

class Connection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #signal: AbortSignal | undefined;
  #broken = false;

  constructor(client: pg.PoolClient, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#signal = signal;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const signal = this.#signal;
    if (signal?.aborted) throw reasonOf(signal);
    const work = this.#query<R>(sql, parameters);
    if (!signal) return await work;
    let cancelled: Promise<void> | undefined;
    const onAbort = () => {
      cancelled = this.#cancel(work);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await work;
    } catch (error) {
      throw signal.aborted ? reasonOf(signal, error) : error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      // The request to cancel must have ended before another statement runs here, or it would hit that one.
      await cancelled;
    }
  }

  async #query<R>(sql: string, parameters: readonly unknown[]): Promise<QueryResult<R>> {
    try {
      const result = await this.#client.query(sql, parameters.length > 0 ? [...parameters] : undefined);
      // Several statements in one text answer with one result each.
      return toQueryResult<R>(Array.isArray(result) ? result.at(-1) : result);
    } catch (error) {
      if (endsConnection(error)) this.#broken = true;
      throw toDatabaseError(error);
    }
  }

  async #cancel(work: Promise<unknown>): Promise<void> {
    const settled = work.then(
      () => {},
      () => {},
    );
    const timer = setTimeout(() => this.#cut(), CANCEL_GRACE_MS);
    await cancelRequest(this.#client, CANCEL_GRACE_MS);
    await settled;
    clearTimeout(timer);
  }

  #cut(): void {
    this.#broken = true;
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  /** Never rejects: where it cannot roll back, it gives the connection up, and PostgreSQL rolls back by itself. */
  async rollback(): Promise<void> {
    if (this.#broken) return;
    await this.#query("rollback", []).catch(() => {
      this.#broken = true;
    });
  }

  release(): void {
    this.#client.release(this.#broken);
  }

  // biome-ignore lint/correctness/useYield: Kysely's interface asks for it; lists are read by pages here.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("streaming is not supported: read by pages");
  }
}

function toQueryResult<R>(result: pg.QueryResult | undefined): QueryResult<R> {
  if (!result) return { rows: [] };
  const { command, rowCount, rows } = result;
  if (command === "COMMIT" || command === "ROLLBACK") return { rows: [{ command }] as R[] };
  const changed = command === "INSERT" || command === "UPDATE" || command === "DELETE" || command === "MERGE";
  return changed ? { rows, numAffectedRows: BigInt(rowCount ?? 0) } : { rows };
}

/** The client, unless the signal aborts first; then a client that comes too late goes back. */
async function orAborted(connecting: Promise<pg.PoolClient>, signal: AbortSignal | undefined): Promise<pg.PoolClient> {
  const client = connecting.catch((error) => {
    // What keeps us from a connection is the database's state, whatever its name.
    const translated = toDatabaseError(error);
    throw translated instanceof StatusError ? translated : unavailable(error);
  });
  if (!signal) return client;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(reasonOf(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([client, aborted]);
  } catch (error) {
    if (signal.aborted) {
      client.then(
        (late) => late.release(),
        () => {},
      );
    }
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function reasonOf(signal: AbortSignal, cause?: unknown): StatusError {
  if (signal.reason instanceof StatusError) return signal.reason;
  return new StatusError("CANCELLED", "the call was cancelled", { cause: cause ?? signal.reason });
}
