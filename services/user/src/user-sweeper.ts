import { deleteExpired } from "@tenon/database";
import type { Logger } from "@tenon/logger";
import { createPeriodicWorker, type Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import type { UserTables } from "./user-tables.ts";

export interface UserSweeperOptions {
  db: Kysely<UserTables>;
  logger: Logger;
  now: () => Date;
  /** By default every 10 minutes. */
  intervalMs?: number;
}

/** For so long an expired session is still told from one that never was. */
const SESSION_KEEP_MS = 86_400_000;

/** Removes sessions, guesses and answers to requests whose time is over. Any number of replicas may do so. */
export function createUserSweeper({ db, logger, now, intervalMs = 600_000 }: UserSweeperOptions): Worker {
  return createPeriodicWorker({
    name: "user-sweeper",
    intervalMs,
    logger,
    async work(signal) {
      const sessionsBefore = new Date(now().getTime() - SESSION_KEEP_MS);
      await deleteExpired(db, { table: "sessions", now: sessionsBefore, signal });
      await deleteExpired(db, { table: "guesses", now: now(), signal });
      await deleteExpired(db, { now: now(), signal });
    },
  });
}
