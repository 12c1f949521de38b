import { migrate, openDatabase, prepareDatabase } from "@tenon/database";
import type { Implementation } from "@tenon/grpc";
import { currentCall } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { createAuth, createTlsFiles, type RunningService, startService, type Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import { Registry } from "prom-client";
import type { GreeterConfig } from "./config.ts";
import { createGreeterHandler } from "./greeter-handler.ts";
import { createGreeterRepository, type Tables } from "./greeter-repository.ts";
import { createGreetingService } from "./greeting-service.ts";

/** The tables of the greeter. */
export const greeterMigrations: readonly URL[] = [new URL("./migrations/", import.meta.url)];

export interface GreeterParts {
  db: Kysely<Tables>;
  now?: () => Date;
}

/** The greeter without a process round it. */
export function wireGreeter({ db, now = () => new Date() }: GreeterParts): {
  services: Implementation[];
  workers: Worker[];
} {
  const service = createGreetingService({ repository: createGreeterRepository(db), now });
  return { services: [createGreeterHandler(service)], workers: [] };
}

export interface StartGreeterOptions {
  config: GreeterConfig;
  logger: Logger;
}

/** The greeter as a process. It listens when this resolves, and is ready once its database is there and migrated. */
export async function startGreeter({ config, logger }: StartGreeterOptions): Promise<RunningService> {
  const auth = createAuth({ name: "greeter", config });
  const registry = new Registry();
  const tls = createTlsFiles({ config, logger, registry });
  const db = openDatabase<Tables>({
    url: config.DATABASE_URL,
    logger,
    applicationName: "greeter",
    currentSignal: () => currentCall()?.signal,
  });
  const database = await prepareDatabase(db, { logger, work: () => migrate(db, greeterMigrations) });
  return startService({
    name: "greeter",
    config,
    logger,
    auth,
    registry,
    tls,
    ...wireGreeter({ db }),
    checks: { database },
    close: () => db.destroy(),
  });
}
