import * as userv1 from "@tenon/contracts/user/v1";
import {
  createOnce,
  createPaging,
  databaseMigrations,
  deleteExpired,
  migrate,
  openDatabase,
  prepareDatabase,
} from "@tenon/database";
import { createClient, type Implementation } from "@tenon/grpc";
import { currentCall, principalOf, standardClient } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import {
  clientLimits,
  createAuth,
  createPeriodicWorker,
  createTlsFiles,
  type RunningService,
  readReplicaSecret,
  startService,
  type Worker,
} from "@tenon/runtime";
import type { Kysely } from "kysely";
import { Registry } from "prom-client";
import { v7 as uuidv7 } from "uuid";
import type { WarehouseConfig } from "./config.ts";
import { createWarehouseHandler } from "./warehouse-handler.ts";
import { createWarehouseRepository, type Tables } from "./warehouse-repository.ts";
import { createWarehouseService } from "./warehouse-service.ts";

/** The tables of `once`, and the service's own. */
export const warehouseMigrations: readonly URL[] = [databaseMigrations, new URL("./migrations/", import.meta.url)];

export interface WarehouseParts {
  db: Kysely<Tables>;
  logger: Logger;
  /** For page tokens and fingerprints of requests: at least 16 bytes, the same for every replica. */
  secret: Uint8Array;
  now?: () => Date;
  newId?: () => string;
}

/** How often answers whose time is over are removed. */
const FORGET_INTERVAL_MS = 600_000;

/** The service without a process round it. */
export function wireWarehouse(parts: WarehouseParts): { services: Implementation[]; workers: Worker[] } {
  const { db, logger, secret, now = () => new Date(), newId = () => uuidv7() } = parts;
  const service = (on: Kysely<Tables>) =>
    createWarehouseService({ repository: createWarehouseRepository(on), now, newId });
  const once = createOnce({ db, secret, principalOf, now });
  const forgetAnswers = (signal: AbortSignal) => deleteExpired(db, { now: now(), signal });
  return {
    services: [createWarehouseHandler({ db, service, once, paging: createPaging({ secret }) })],
    workers: [
      createPeriodicWorker({ name: "old-answers", intervalMs: FORGET_INTERVAL_MS, work: forgetAnswers, logger }),
    ],
  };
}

export interface StartWarehouseOptions {
  config: WarehouseConfig;
  logger: Logger;
}

/** The service as a process. It listens when this resolves, and is ready once its database is there and migrated. */
export async function startWarehouse({ config, logger }: StartWarehouseOptions): Promise<RunningService> {
  const auth = createAuth({ name: "warehouse", config, fetchKeys: (signal) => keys.listKeys({}, { signal }) });
  const registry = new Registry();
  const tls = createTlsFiles({ config, logger, registry });
  const keys = createClient(userv1.KeyService, {
    target: config.USER_TARGET,
    tls: tls?.client,
    interceptors: standardClient({ logger, registry, ...clientLimits(config) }),
  });
  const db = openDatabase<Tables>({
    url: config.DATABASE_URL,
    logger,
    applicationName: "warehouse",
    currentSignal: () => currentCall()?.signal,
  });
  const database = await prepareDatabase(db, { logger, work: () => migrate(db, warehouseMigrations) });
  const secret = readReplicaSecret({ config, name: "warehouse" });
  return startService({
    name: "warehouse",
    config,
    logger,
    auth,
    registry,
    tls,
    ...wireWarehouse({ db, logger, secret }),
    checks: { database },
    async close() {
      keys.close();
      await db.destroy();
    },
  });
}
