import { setTimeout as wait } from "node:timers/promises";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { migrate, openDatabase, prepareDatabase } from "@tenon/database";
import { createClient, type Implementation } from "@tenon/grpc";
import { currentCall, standardClient } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import {
  createAuth,
  createTlsFiles,
  type RunningService,
  readReplicaSecret,
  startService,
  type Worker,
} from "@tenon/runtime";
import type { Kysely } from "kysely";
import { Registry } from "prom-client";
import { v7 as uuidv7 } from "uuid";
import { createBackground } from "./background.ts";
import { createCallbackQueue } from "./callback-queue.ts";
import { type CallbackSenderOptions, createCallbackSender } from "./callback-sender.ts";
import type { ProcessorConfig } from "./config.ts";
import { createFaultHandler } from "./fault-handler.ts";
import { createFaultPlan } from "./faults.ts";
import { createProcessorHandler, toWire } from "./processor-handler.ts";
import { createTransactionLog, type Tables } from "./processor-repository.ts";
import { createProcessorService, type ProcessorServiceOptions } from "./processor-service.ts";

/** The tables of the processor. */
export const processorMigrations = [new URL("./migrations/", import.meta.url)];

export interface ProcessorParts extends Partial<Pick<ProcessorServiceOptions, "now" | "newId" | "wait">> {
  db: Kysely<Tables>;
  /** For page tokens. */
  secret: Uint8Array;
  logger: Logger;
  /** Tells a transaction unasked. */
  notify: CallbackSenderOptions["notify"];
  /** Whether faults can be set; by default they cannot, and FaultService is not served. */
  allowFaults?: boolean;
}

export interface ProcessorWiring {
  services: Implementation[];
  workers: Worker[];
  /** What a worker does in a round: tells what is due; resolves with the number of callbacks. */
  sendCallbacks: (stop: AbortSignal) => Promise<number>;
}

/** The processor without a process round it. */
export function wireProcessor(parts: ProcessorParts): ProcessorWiring {
  const { db, secret, logger, notify, allowFaults = false, now = () => new Date(), ...rules } = parts;
  const plan = createFaultPlan();
  const background = createBackground(logger);
  const service = createProcessorService({
    log: createTransactionLog(db),
    now,
    newId: uuidv7,
    wait: (ms, signal) => wait(ms, undefined, { signal }),
    faults: plan.next,
    begin: background.begin,
    ...rules,
  });
  const callbacks = createCallbackSender({ queue: createCallbackQueue(db), notify, logger, now });
  return {
    services: [createProcessorHandler({ service, secret }), ...(allowFaults ? [createFaultHandler({ plan })] : [])],
    workers: [background, callbacks],
    sendCallbacks: callbacks.drain,
  };
}

export interface StartProcessorOptions {
  config: ProcessorConfig;
  logger: Logger;
}

/** For one callback. */
const NOTIFY_TIMEOUT_MS = 4000;

/** The processor as a process. It listens when this resolves, and is ready once its database is there and migrated. */
export async function startProcessor({ config, logger }: StartProcessorOptions): Promise<RunningService> {
  const auth = createAuth({ name: "processor", config });
  const registry = new Registry();
  const tls = createTlsFiles({ config, logger, registry });
  const db = openDatabase<Tables>({
    url: config.DATABASE_URL,
    logger,
    applicationName: "processor",
    currentSignal: () => currentCall()?.signal,
  });
  const database = await prepareDatabase(db, { logger, work: () => migrate(db, processorMigrations) });
  const payment = createClient(paymentv1.CallbackService, {
    target: config.PAYMENT_TARGET,
    tls: tls?.client,
    interceptors: standardClient({ logger, registry, identity: auth.identityFor("payment") }),
  });
  const { services, workers } = wireProcessor({
    db,
    secret: readReplicaSecret({ config, name: "processor" }),
    logger,
    notify: (transaction) =>
      payment.notifyTransaction({ transaction: toWire(transaction) }, { timeoutMs: NOTIFY_TIMEOUT_MS }),
    allowFaults: config.FAULTS === "allow",
  });
  return startService({
    name: "processor",
    config,
    logger,
    auth,
    registry,
    tls,
    services,
    workers,
    checks: { database },
    async close() {
      payment.close();
      await db.destroy();
    },
  });
}
