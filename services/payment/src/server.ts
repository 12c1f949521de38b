import * as processorv1 from "@tenon/contracts/processor/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { createOnce, createPaging, databaseMigrations, migrate, openDatabase, prepareDatabase } from "@tenon/database";
import { createClient, type Implementation } from "@tenon/grpc";
import { currentCall, principalOf, standardClient } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { createAuth, type RunningService, readReplicaSecret, startService } from "@tenon/runtime";
import type { Kysely } from "kysely";
import { Registry } from "prom-client";
import { v7 as uuidv7 } from "uuid";
import type { PaymentConfig } from "./config.ts";
import { createGrpcProcessor } from "./grpc-processor.ts";
import { createPaymentDriver } from "./payment-driver.ts";
import { createPaymentHandler } from "./payment-handler.ts";
import { createPaymentStore } from "./payment-repository.ts";
import { createPaymentService } from "./payment-service.ts";
import type { Tables } from "./payment-tables.ts";
import { createPaymentWorker, type PaymentWorker } from "./payment-worker.ts";
import type { Processor } from "./processor.ts";

/** The tables of payment, in their order. */
export const paymentMigrations = [databaseMigrations, new URL("./migrations/", import.meta.url)];

export interface PaymentParts {
  db: Kysely<Tables>;
  processor: Processor;
  logger: Logger;
  /** For page tokens and fingerprints of requests: the same for every replica. */
  secret: Uint8Array;
  /** How long an attempt has a step for itself; by default 10 s. */
  leaseMs?: number;
  /** How often the worker looks for steps; by default every 2 s. */
  intervalMs?: number;
  now?: () => Date;
  newId?: () => string;
}

/** Payment without a process round it. */
export function wirePayment(parts: PaymentParts): { services: Implementation[]; workers: [PaymentWorker] } {
  const { db, processor, logger, secret, leaseMs = 10_000, intervalMs, now = () => new Date(), newId = uuidv7 } = parts;
  const store = createPaymentStore(db);
  const payments = (tx = store) => createPaymentService({ store: tx, now, newId, leaseMs });
  const driver = createPaymentDriver({ store, payments, processor });
  const handler = createPaymentHandler({
    payments: (tx) => payments(tx && createPaymentStore(tx)),
    driver,
    once: createOnce({ db, secret, principalOf, now }),
    paging: createPaging({ secret }),
    leaseMs,
  });
  const worker = createPaymentWorker({ store, driver, logger, now, leaseMs, ...(intervalMs && { intervalMs }) });
  return { services: [handler], workers: [worker] };
}

export interface StartPaymentOptions {
  config: PaymentConfig;
  logger: Logger;
}

/** Payment as a process. It listens when this resolves, and is ready once its database is there and migrated. */
export async function startPayment({ config, logger }: StartPaymentOptions): Promise<RunningService> {
  const registry = new Registry();
  const called = { logger, registry };
  const keys = createClient(userv1.KeyService, { target: config.USER_TARGET, interceptors: standardClient(called) });
  const auth = createAuth({ name: "payment", config, fetchKeys: (signal) => keys.listKeys({}, { signal }) });
  const client = createClient(processorv1.ProcessorService, {
    target: config.PROCESSOR_TARGET,
    interceptors: standardClient({ ...called, identity: auth.identityFor("processor") }),
  });
  const db = openDatabase<Tables>({
    url: config.DATABASE_URL,
    logger,
    applicationName: "payment",
    currentSignal: () => currentCall()?.signal,
  });
  const close = async () => {
    keys.close();
    client.close();
    await db.destroy();
  };
  const database = await prepareDatabase(db, { logger, work: () => migrate(db, paymentMigrations) });
  return startService({
    name: "payment",
    config,
    logger,
    auth,
    registry,
    ...wirePayment({
      db,
      processor: createGrpcProcessor({ client, timeoutMs: config.PROCESSOR_TIMEOUT }),
      logger,
      secret: readReplicaSecret({ config, name: "payment" }),
      leaseMs: config.STEP_LEASE,
      intervalMs: config.STEP_INTERVAL,
    }),
    checks: { database },
    close,
  });
}
