import { createHash, randomBytes } from "node:crypto";
import { migrate, openDatabase, readMigrations } from "@tenon/database";
import { createLogger, type Logger } from "@tenon/logger";
import type { Kysely } from "kysely";
import pg from "pg";
import { inject } from "vitest";

export interface TestDatabaseOptions {
  /** Folders of `.sql` files, as for `migrate`. */
  migrations: readonly URL[];
  /** By default one that says only what is wrong. */
  logger?: Logger;
  /** By default 10. */
  poolSize?: number;
}

export interface TestDatabase<Tables> extends AsyncDisposable {
  readonly db: Kysely<Tables>;
  /** For a role that owns it, which is no superuser. */
  readonly url: string;
  /** Drops it; open connections are ended. */
  close(): Promise<void>;
}

/**
 * A PostgreSQL database of the test's own, migrated: a copy of a template that the first test with these migrations
 * makes, in some tens of milliseconds. `await using` drops it at the end of the test.
 */
export async function testDatabase<Tables>(options: TestDatabaseOptions): Promise<TestDatabase<Tables>> {
  const { logger = createLogger({ name: "test", level: "warn" }), poolSize = 10 } = options;
  const name = `test_${randomBytes(8).toString("hex")}`;
  await asAdmin(async (admin) => {
    const template = await ensureTemplate(admin, options.migrations, logger);
    await admin.query(`create database ${name} template ${template} owner ${OWNER}`);
  });
  const url = urlOf(name);
  const db = openDatabase<Tables>({ url, logger, poolSize });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= db.destroy().then(() => asAdmin((admin) => drop(admin, name)));
    return closing;
  };
  return { db, url, close, [Symbol.asyncDispose]: close };
}

const OWNER = "tests";

/** The name of a database that has these migrations. Made aside and renamed: one that has the name is whole. */
async function ensureTemplate(admin: pg.Client, folders: readonly URL[], logger: Logger): Promise<string> {
  const migrations = await readMigrations(folders);
  const content = createHash("sha256").update(JSON.stringify(migrations)).digest("hex").slice(0, 24);
  const template = `template_${content}`;
  const exists = async () => {
    const { rowCount } = await admin.query("select from pg_database where datname = $1", [template]);
    return rowCount === 1;
  };
  if (await exists()) return template;
  // One worker makes it, the others wait.
  await admin.query("select pg_advisory_lock(hashtextextended($1, 0))", [template]);
  if (await exists()) return template;
  const draft = `draft_${content}`;
  await admin.query(`drop database if exists ${draft} with (force)`);
  await admin.query(`create database ${draft} owner ${OWNER}`);
  const db = openDatabase({ url: urlOf(draft), logger, poolSize: 1 });
  try {
    await migrate(db, folders);
  } catch (error) {
    await drop(admin, draft);
    throw error;
  } finally {
    await db.destroy();
  }
  await admin.query(`alter database ${draft} rename to ${template}`);
  return template;
}

async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client(inject("postgres").adminUrl);
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

const drop = async (admin: pg.Client, name: string) =>
  void (await admin.query(`drop database if exists ${name} with (force)`));

function urlOf(database: string): string {
  const url = new URL(inject("postgres").ownerUrl);
  url.pathname = `/${database}`;
  return url.href;
}
