import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Embedded, InUseError, startEmbedded } from "@tenon/database/embedded";
import { StartError } from "@tenon/errors";
import { createLogger } from "@tenon/logger";
import pg from "pg";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The PostgreSQL of this run: as its superuser, and as the role that owns the tests' databases. */
    postgres: { adminUrl: string; ownerUrl: string };
  }
}

/** Runs at once at most: each has a server of its own, whose directory the next run finds made. */
const SLOTS = 16;
/** Templates kept for later runs. */
const KEPT_TEMPLATES = 20;

let embedded: Embedded | undefined;

export async function setup(project: TestProject): Promise<void> {
  embedded = await startInFreeSlot();
  const ownerUrl = await embedded.ensureDatabase({ database: "tests", role: "tests" });
  await dropLeftovers(embedded.adminUrl);
  project.provide("postgres", { adminUrl: embedded.adminUrl, ownerUrl });
}

export async function teardown(): Promise<void> {
  await embedded?.close();
}

async function startInFreeSlot(): Promise<Embedded> {
  const logger = createLogger({ name: "postgres", level: "warn" });
  for (let slot = 0; slot < SLOTS; slot++) {
    const directory = fileURLToPath(new URL(`../../../.data/test-postgres/${slot}`, import.meta.url));
    const start = () => startEmbedded({ directory, logger, durable: false, maxConnections: 300 });
    try {
      return await start();
    } catch (error) {
      if (error instanceof InUseError) continue;
      if (!(error instanceof StartError)) throw error;
      // Not durable, so a crash of the machine may have damaged it: there is nothing in it to lose.
      await rm(directory, { recursive: true, force: true });
      return await start();
    }
  }
  throw new Error(`${SLOTS} test runs are at work in this directory already`);
}

/** Databases of runs that were killed, and templates that no test has used for long. */
async function dropLeftovers(adminUrl: string): Promise<void> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  try {
    const { rows } = await admin.query<{ name: string; isTemplate: boolean }>(
      `select datname as name, datistemplate as "isTemplate" from pg_database where datname ~ '^(test|draft)_'
      union all (select datname, datistemplate from pg_database where datname ~ '^template_' order by oid desc offset ${KEPT_TEMPLATES})`,
    );
    for (const { name, isTemplate } of rows) {
      // Not of each: one that a killed run was dropping is invalid, and can be dropped only.
      if (isTemplate) await admin.query(`alter database ${name} is_template false`);
      await admin.query(`drop database ${name} with (force)`);
    }
  } finally {
    await admin.end();
  }
}
