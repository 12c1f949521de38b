import { StatusError } from "@tenon/errors";
import type { Logger } from "@tenon/logger";
import type { Kysely } from "kysely";
import { ping } from "./open-database.ts";

export interface PrepareDatabaseOptions {
  logger: Logger;
  /** What must have been done before the service takes calls: `migrate`, first rows. Done again where it fails. */
  work: () => Promise<unknown>;
}

/**
 * Gets a service's database ready at start, and resolves with the check of its readiness. Where the database is down it
 * resolves all the same, and the check does the work once it is up: a service starts without what it depends on. Any
 * other failure (an edited migration) is final: rejects with it, the pool closed.
 */
export async function prepareDatabase<Tables>(
  db: Kysely<Tables>,
  { logger, work }: PrepareDatabaseOptions,
): Promise<() => Promise<void>> {
  let done: Promise<unknown> | undefined;
  const prepare = () => {
    done ??= work().catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
  try {
    await prepare();
  } catch (error) {
    if (!(error instanceof StatusError && error.code === "UNAVAILABLE")) {
      await db.destroy();
      throw error;
    }
    logger.warn({ err: error }, "the database is not there yet");
  }
  return async () => {
    await prepare();
    await ping(db);
  };
}
