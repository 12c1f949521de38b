import { createLogger } from "@tenon/logger";
import { testDatabase } from "@tenon/testing";
import { type Kysely, sql } from "kysely";

export const silent = createLogger({ name: "test", level: "silent" });

/** An empty database. */
export const emptyDatabase = () => testDatabase<Record<string, never>>({ migrations: [], logger: silent });

/** Resolves once `condition` does; it is asked again and again until the time is up. */
export async function eventually(condition: () => Promise<boolean>, { withinMs = 5000 } = {}): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How many sessions of this database run a statement that has this text, asked by another session. */
export async function running<T>(db: Kysely<T>, text: string): Promise<number> {
  const { rows } = await sql<{ count: bigint }>`select count(*) from pg_stat_activity
    where datname = current_database() and state = 'active' and pid <> pg_backend_pid()
    and query like ${`%${text}%`}`.execute(db);
  return Number(rows[0]?.count);
}
