import type { Logger } from "@tenon/logger";
import { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from "kysely";
import pg from "pg";
import { type CurrentSignal, createPoolDriver } from "./pool-driver.ts";

export interface OpenDatabaseOptions {
  /** `postgres://role:password@host:port/database`. */
  url: string;
  logger: Logger;
  /** Connections at most; by default 10. */
  poolSize?: number;
  /** How long to wait for a connection, new or free; by default 5 s. */
  connectTimeoutMs?: number;
  /** A statement that takes longer fails with DEADLINE_EXCEEDED; by default 10 s. */
  statementTimeoutMs?: number;
  /** A statement that waits longer for a lock fails with ABORTED; by default 5 s. */
  lockTimeoutMs?: number;
  /** PostgreSQL ends a transaction that does nothing for so long; by default 10 s. */
  idleInTransactionTimeoutMs?: number;
  /** How long an unused connection is kept; by default 30 s. */
  idleTimeoutMs?: number;
  /** Shown in pg_stat_activity; by default `tenon`. */
  applicationName?: string;
  /**
   * Whose abort cancels the statements run now, asked for each connection taken: `() => currentCall()?.signal`. By
   * default nobody's, and `withSignal` says so case by case.
   */
  currentSignal?: CurrentSignal;
}

interface Opened {
  readonly pool: pg.Pool;
  readonly config: pg.PoolConfig;
}

const OPENED = new WeakMap<object, Opened>();

/**
 * A pool of connections to PostgreSQL as a Kysely. Connects with the first statement, not now: a service starts with its
 * database down, and is ready once it is up. `bigint` columns are read as bigint, `date` as text, `timestamptz` as Date.
 * Errors of the database come as StatusErrors (`toDatabaseError`). `destroy()` ends it.
 */
export function openDatabase<Tables>(options: OpenDatabaseOptions): Kysely<Tables> {
  const { logger, currentSignal = () => undefined } = options;
  const config = toPoolConfig(options);
  const pool = new pg.Pool(config);
  // Idle and busy connections alike tell of their loss by an event, which would end the process if nobody listened.
  pool.on("error", (error) => {
    // One that is being closed may hear that the server closes too.
    if (pool.ending) return;
    // The pool hangs the whole connection on it.
    delete (error as { client?: unknown }).client;
    logger.warn({ err: error }, "an idle database connection was lost");
  });
  pool.on("connect", (client) =>
    client.on("error", (error) => logger.debug({ err: error }, "database connection lost")),
  );
  const db = bind<Tables>({ pool, config }, currentSignal);
  // Kysely's own ends what it has used itself, and the pool may have been used through `withSignal` alone.
  let ended: Promise<void> | undefined;
  db.destroy = () => {
    ended ??= pool.end();
    return ended;
  };
  return db;
}

/**
 * The same database, every statement of which is cancelled within moments when `signal` aborts, and then rejects with
 * the signal's reason. A transaction begun on it is rolled back. Cheap: one for each call.
 */
export function withSignal<Tables>(db: Kysely<Tables>, signal: AbortSignal | undefined): Kysely<Tables> {
  return signal ? bind<Tables>(openedOf(db), () => signal) : db;
}

/** Resolves when the database answers; rejects with UNAVAILABLE, or once `timeoutMs` are over. For readiness. */
export async function ping<Tables>(db: Kysely<Tables>, { timeoutMs = 1000 } = {}): Promise<void> {
  await sql`select 1`.execute(withSignal(db, AbortSignal.timeout(timeoutMs)));
}

/** How to reach the same database by a connection outside the pool, without its time limits. */
export function connectionConfig<Tables>(db: Kysely<Tables>): pg.ClientConfig {
  const { connectionString, types, application_name, connectionTimeoutMillis } = openedOf(db).config;
  return { connectionString, types, application_name, connectionTimeoutMillis, keepAlive: true } as pg.ClientConfig;
}

function bind<Tables>(opened: Opened, currentSignal: CurrentSignal): Kysely<Tables> {
  const db = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => createPoolDriver(opened.pool, currentSignal),
      createIntrospector: (of) => new PostgresIntrospector(of),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
  OPENED.set(db, opened);
  return db;
}

function openedOf(db: object): Opened {
  const opened = OPENED.get(db);
  if (!opened)
    throw new TypeError("needs what openDatabase returned: a transaction keeps the signal that it began with");
  return opened;
}

function toPoolConfig(options: OpenDatabaseOptions): pg.PoolConfig {
  if (!/^postgres(ql)?:\/\//.test(options.url) || !URL.canParse(options.url)) {
    throw new TypeError("the database's URL is not of the form postgres://role:password@host:port/database");
  }
  const statementTimeoutMs = options.statementTimeoutMs ?? 10_000;
  return {
    connectionString: options.url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: options.idleTimeoutMs ?? 30_000,
    statement_timeout: statementTimeoutMs,
    // For a server that is gone without a word: its own limit would have come first.
    query_timeout: statementTimeoutMs + 5_000,
    lock_timeout: options.lockTimeoutMs ?? 5_000,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 10_000,
    application_name: options.applicationName ?? "tenon",
    keepAlive: true,
    types: { getTypeParser },
  };
}

const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;
const TEXT_ARRAY = 1009 as Parameters<typeof pg.types.getTypeParser>[0];
const parseStrings = pg.types.getTypeParser(TEXT_ARRAY) as (text: string) => (string | null)[];

const PARSERS = new Map<number, (text: string) => unknown>([
  [INT8, BigInt],
  [INT8_ARRAY, (text) => parseStrings(text).map((item) => (item === null ? null : BigInt(item)))],
  [DATE, (text) => text],
]);

const getTypeParser = ((oid: number, format: "text" | "binary") =>
  PARSERS.get(oid) ?? pg.types.getTypeParser(oid, format as "text")) as typeof pg.types.getTypeParser;
