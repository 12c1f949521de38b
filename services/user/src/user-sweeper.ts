import { deleteExpired } from "@tenon/database";
import type { Logger } from "@tenon/logger";
import { createPeriodicWorker, type Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import { createSessionRepository } from "./session-repository.ts";
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

/** Removes sessions and answers to requests whose time is over. Any number of replicas may do so. */
export function createUserSweeper({ db, logger, now, intervalMs = 600_000 }: UserSweeperOptions): Worker {
  const sessions = createSessionRepository(db);
  return createPeriodicWorker({
    name: "user-sweeper",
    intervalMs,
    logger,
    async work(signal) {
      await sessions.endExpired(new Date(now().getTime() - SESSION_KEEP_MS));
      await deleteExpired(db, { now: now(), signal });
    },
  });
}
