import { setImmediate } from "node:timers/promises";
import { type Kysely, sql } from "kysely";

// biome-ignore lint/suspicious/noExplicitAny: whatever is in the database.
type Db = Kysely<any>;

/** A way in which a database comes to take no changes, and comes back. */
export interface DatabaseFailure {
  readonly name: string;
  fail(db: Db): Promise<void>;
  mend(db: Db): Promise<void>;
}

/** `full`: the tables that find no room; what was written before them in a transaction must not stay. */
export const databaseFailures = ({ full }: { full: readonly string[] }): readonly DatabaseFailure[] => [
  {
    name: "a read-only database",
    fail: (db) => setReadOnly(db, "on"),
    mend: (db) => setReadOnly(db, "off"),
  },
  {
    name: "a full disk",
    async fail(db) {
      await sql`create or replace function fail_full() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`.execute(
        db,
      );
      for (const table of full) {
        await sql`create trigger full_disk after insert or update on ${sql.table(table)}
          for each row execute function fail_full()`.execute(db);
      }
    },
    async mend(db) {
      for (const table of full) await sql`drop trigger full_disk on ${sql.table(table)}`.execute(db);
    },
  },
];

/** For all connections from now on, as after a failover to a standby. */
async function setReadOnly(db: Db, value: "on" | "off"): Promise<void> {
  await db
    .transaction()
    .setAccessMode("read write")
    .execute(async (tx) => {
      const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(tx);
      const database = sql.id(rows[0]?.name ?? "");
      await sql`alter database ${database} set default_transaction_read_only = ${sql.raw(value)}`.execute(tx);
    });
  // Waits until they are gone, and then until the pool has heard of it: it would give one of them to the next who asks.
  await sql`select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`.execute(db);
  await sql`select pg_terminate_backend(pg_backend_pid())`.execute(db).catch(() => {});
  await setImmediate();
}
