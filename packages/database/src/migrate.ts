import type { Kysely } from "kysely";
import pg from "pg";
import { toDatabaseError } from "./database-errors.ts";
import { type Migration, readMigrations } from "./migration-files.ts";
import { connectionConfig } from "./open-database.ts";

export interface MigrateOptions {
  /** How long to wait for another process that migrates, and for locks of tables in use; by default 60 s. */
  lockTimeoutMs?: number;
}

/** Any number that nothing else of ours locks. */
const LOCK = "7233188023410137091";

const TABLE = `create table if not exists schema_migration (
  position bigint generated always as identity primary key,
  name text not null unique,
  checksum text not null,
  applied_at timestamptz not null default now()
)`;

/**
 * Brings a database to the state of the `.sql` files of these folders, in their order; resolves with the names of those
 * that it applied. Forward only. Each file runs once, in one transaction with the record of it, so a crash leaves either
 * both or neither; processes that start at once wait for each other. Rejects, before anything is changed, where an
 * applied file was edited, removed, or overtaken by one with a smaller number. Migrations that a newer version of the
 * program has applied are left alone: write them so that this version can live with them (expand, then contract).
 */
export async function migrate<Tables>(
  db: Kysely<Tables>,
  folders: URL | readonly URL[],
  { lockTimeoutMs = 60_000 }: MigrateOptions = {},
): Promise<readonly string[]> {
  const migrations = await readMigrations(Array.isArray(folders) ? folders : [folders as URL]);
  const client = new pg.Client(connectionConfig(db));
  client.on("error", () => {}); // the statement that runs rejects as well
  try {
    await client.connect();
    await client.query(`set lock_timeout = ${Math.ceil(lockTimeoutMs)}; set client_min_messages = warning`);
    await client.query(`select pg_advisory_lock(${LOCK})`);
    await client.query(TABLE);
    const { rows } = await client.query<AppliedRow>("select name, checksum from schema_migration order by position");
    const pending = pendingOf(migrations, rows);
    for (const migration of pending) await apply(client, migration);
    return pending.map(({ name }) => name);
  } catch (error) {
    throw toDatabaseError(error);
  } finally {
    // Ends the session and with it the lock.
    await client.end().catch(() => {});
  }
}

interface AppliedRow {
  name: string;
  checksum: string;
}

async function apply(client: pg.Client, { name, text, checksum }: Migration): Promise<void> {
  try {
    await client.query("begin");
    await client.query(text);
    await client.query("insert into schema_migration (name, checksum) values ($1, $2)", [name, checksum]);
    await client.query("commit");
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const translated = toDatabaseError(error);
    throw translated === error ? new Error(`migration ${name} failed: ${detail}`, { cause: error }) : translated;
  }
}

/** Those to run, or an error where history and files disagree. */
function pendingOf(migrations: readonly Migration[], applied: readonly AppliedRow[]): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const lastKnown = applied.findLastIndex(({ name }) => known.has(name));
  applied.forEach(({ name, checksum }, index) => {
    const file = known.get(name);
    if (file && file.checksum !== checksum) {
      throw new Error(`migration ${name} was changed after it was applied: restore it and add a new one`);
    }
    // Unknown ones behind all that are known come from a newer version; before them, a file is missing.
    if (!file && index < lastKnown) throw new Error(`migration ${name} is applied but its file is missing: restore it`);
  });
  const names = new Set(applied.map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !names.has(name));
  const newest = applied.at(-1);
  if (pending[0] && newest && !known.has(newest.name)) {
    throw new Error(
      `migration ${pending[0].name} is not applied but ${newest.name}, which is not among ours, is: ` +
        "DATABASE_URL names another service's database, or two branches each added migrations, which are to be merged",
    );
  }
  return pending;
}
