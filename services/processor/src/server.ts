import { setTimeout as wait } from "node:timers/promises";
import { migrate, openDatabase, prepareDatabase } from "@tenon/database";
import type { Implementation } from "@tenon/grpc";
import { currentCall } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { createAuth, type RunningService, readReplicaSecret, startService, type Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import { v7 as uuidv7 } from "uuid";
import type { ProcessorConfig } from "./config.ts";
import { createProcessorHandler } from "./processor-handler.ts";
import { createTransactionLog, type Tables } from "./processor-repository.ts";
import { createProcessorService, type ProcessorServiceOptions } from "./processor-service.ts";

/** The tables of the processor. */
export const processorMigrations = [new URL("./migrations/", import.meta.url)];

export interface ProcessorParts extends Partial<Pick<ProcessorServiceOptions, "now" | "newId" | "wait">> {
  db: Kysely<Tables>;
  /** For page tokens. */
  secret: Uint8Array;
}

/** The processor without a process round it. */
export function wireProcessor({ db, secret, ...rules }: ProcessorParts): {
  services: Implementation[];
  workers: Worker[];
} {
  const service = createProcessorService({
    log: createTransactionLog(db),
    now: () => new Date(),
    newId: uuidv7,
    wait: (ms, signal) => wait(ms, undefined, { signal }),
    ...rules,
  });
  return { services: [createProcessorHandler({ service, secret })], workers: [] };
}

export interface StartProcessorOptions {
  config: ProcessorConfig;
  logger: Logger;
}

/** The processor as a process. It listens when this resolves, and is ready once its database is there and migrated. */
export async function startProcessor({ config, logger }: StartProcessorOptions): Promise<RunningService> {
  const auth = createAuth({ name: "processor", config });
  const db = openDatabase<Tables>({
    url: config.DATABASE_URL,
    logger,
    applicationName: "processor",
    currentSignal: () => currentCall()?.signal,
  });
  const database = await prepareDatabase(db, { logger, work: () => migrate(db, processorMigrations) });
  const secret = readReplicaSecret({ config, name: "processor" });
  return startService({
    name: "processor",
    config,
    logger,
    auth,
    ...wireProcessor({ db, secret }),
    checks: { database },
    close: () => db.destroy(),
  });
}
