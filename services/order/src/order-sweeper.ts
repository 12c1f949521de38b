import { deleteExpired } from "@tenon/database";
import type { Logger } from "@tenon/logger";
import type { Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import type { Tables } from "./order-tables.ts";

export interface OrderSweeperOptions {
  db: Kysely<Tables>;
  logger: Logger;
  now: () => Date;
  /** By default every 10 minutes. */
  intervalMs?: number;
}

const BATCH = 1000;

/** Removes answers to requests whose time is over. Any number of replicas may do so. */
export function createOrderSweeper({ db, logger, now, intervalMs = 600_000 }: OrderSweeperOptions): Worker {
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let sweeping = Promise.resolve();

  async function sweep() {
    try {
      while (!stopping && (await deleteExpired(db, { now: now(), limit: BATCH })) === BATCH);
    } catch (err) {
      logger.warn({ err }, "answers whose time is over could not be removed: the next round will");
    }
  }

  return {
    name: "order-sweeper",
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
