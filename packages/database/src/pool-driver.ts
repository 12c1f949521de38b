import { AsyncLocalStorage } from "node:async_hooks";
import { StatusError } from "@tenon/errors";
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from "kysely";
import type pg from "pg";
import { cancelRequest } from "./cancel-request.ts";
import { endsConnection, toDatabaseError, unavailable } from "./database-errors.ts";
import { type Answer, type Statement, sendStatements } from "./round-trip.ts";
import { isForLater, partsOf } from "./send-together.ts";

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
      (connection as Connection).begin(`begin${level}${accessMode ? ` ${accessMode}` : ""}`);
    },
    commitTransaction: (connection) => (connection as Connection).commit(),
    rollbackTransaction: (connection) => (connection as Connection).rollback(),
    releaseConnection: async (connection) => (connection as Connection).release(),
    // The pool is shared; who opened it ends it.
    destroy: async () => {},
  };
}

class Connection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #signal: AbortSignal | undefined;
  /** Of a transaction: what goes with its next statement, or with its commit. */
  #waiting: Statement[] = [];
  #transaction: "none" | "waiting" | "begun" = "none";
  #broken = false;

  constructor(client: pg.PoolClient, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#signal = signal;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (isForLater(query)) {
      if (this.#transaction === "none") throw new TypeError("outside of a transaction no statement follows");
      this.#waiting.push(query);
      return { rows: [] };
    }
    const parts = partsOf(query);
    if (parts === undefined) return toQueryResult<R>((await this.#send([query])).at(-1));
    return { rows: (await this.#send(parts)).slice(-parts.length).map(toQueryResult) as R[] };
  }

  /** With the first statement, so that it costs no round trip. */
  begin(sql: string): void {
    this.#transaction = "waiting";
    this.#waiting = [{ sql, parameters: [] }];
  }

  async commit(): Promise<void> {
    // Only begun, not used.
    if (this.#transaction === "waiting" && this.#waiting.length === 1) return this.#end();
    const answers = await this.#send([{ sql: "commit", parameters: [] }]);
    this.#end();
    // PostgreSQL answers ROLLBACK to the commit of a transaction that has failed.
    if (answers.at(-1)?.command === "ROLLBACK") {
      throw new Error("the transaction was rolled back: an error in it was swallowed");
    }
  }

  /** Never rejects: where it cannot roll back, it gives the connection up, and PostgreSQL rolls back by itself. */
  async rollback(): Promise<void> {
    const begun = this.#transaction === "begun";
    this.#end();
    if (!begun || this.#broken) return;
    await this.#query([{ sql: "rollback", parameters: [] }]).catch(() => {
      this.#broken = true;
    });
  }

  #end(): void {
    this.#transaction = "none";
    this.#waiting = [];
  }

  /** What waits, and these; the answers to all. */
  async #send(statements: readonly Statement[]): Promise<Answer[]> {
    const signal = this.#signal;
    if (signal?.aborted) throw reasonOf(signal);
    const all = [...this.#waiting, ...statements];
    this.#waiting = [];
    if (this.#transaction === "waiting") this.#transaction = "begun";
    const work = this.#query(all);
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

  async #query(statements: readonly Statement[]): Promise<Answer[]> {
    try {
      return await sendStatements(this.#client, statements);
    } catch (error) {
      if (endsConnection(error)) this.#broken = true;
      // In place of the trace that leads to the socket.
      if (error instanceof Error) Error.captureStackTrace(error);
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

  release(): void {
    this.#client.release(this.#broken);
  }

  // biome-ignore lint/correctness/useYield: Kysely's interface asks for it; lists are read by pages here.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("streaming is not supported: read by pages");
  }
}

function toQueryResult<R>(answer: Answer | undefined): QueryResult<R> {
  if (!answer) return { rows: [] };
  const { command, count } = answer;
  const rows = answer.rows as R[];
  const changed = command === "INSERT" || command === "UPDATE" || command === "DELETE" || command === "MERGE";
  return changed ? { rows, numAffectedRows: BigInt(count) } : { rows };
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
