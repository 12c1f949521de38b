import { deleteExpired } from "@tenon/database";
import type { Logger } from "@tenon/logger";
import type { Worker } from "@tenon/runtime";
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
const BATCH = 1000;

/** Removes sessions and answers to requests whose time is over. Any number of replicas may do so. */
export function createUserSweeper({ db, logger, now, intervalMs = 600_000 }: UserSweeperOptions): Worker {
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let sweeping = Promise.resolve();

  async function sweep() {
    try {
      await createSessionRepository(db).endExpired(new Date(now().getTime() - SESSION_KEEP_MS));
      while (!stopping && (await deleteExpired(db, { now: now(), limit: BATCH })) === BATCH);
    } catch (err) {
      logger.warn({ err }, "expired sessions could not be removed: the next round will");
    }
  }

  return {
    name: "user-sweeper",
    start() {
      timer = setInterval(() => {
        sweeping = sweeping.then(sweep);
      }, intervalMs);
    },
    async stop() {
      stopping = true;
      clearInterval(timer);
      await sweeping;
    },
  };
}
