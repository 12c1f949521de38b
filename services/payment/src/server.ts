import * as eventsv1 from "@tenon/contracts/events/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as processorv1 from "@tenon/contracts/processor/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import {
  createListener,
  createOnce,
  createPaging,
  databaseMigrations,
  deleteExpired,
  migrate,
  openDatabase,
  prepareDatabase,
} from "@tenon/database";
import {
  createNatsConnection,
  createOutboxHandler,
  createPublishing,
  OUTBOX_CHANNEL,
  outboxMigrations,
} from "@tenon/events";
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
import type { PaymentConfig } from "./config.ts";
import { createDueStepFinisher } from "./due-steps.ts";
import { createExpirer } from "./expiry.ts";
import { createGrpcProcessor } from "./grpc-processor.ts";
import { ledgerGauges } from "./ledger/ledger-gauges.ts";
import { createLedgerHandler } from "./ledger/ledger-handler.ts";
import { createLedgerStore } from "./ledger/ledger-repository.ts";
import { createLedgerService } from "./ledger/ledger-service.ts";
import { verifyLedger } from "./ledger/verify-ledger.ts";
import { createPaymentDriver } from "./payment-driver.ts";
import { createPaymentHandler } from "./payment-handler.ts";
import { createPaymentStore } from "./payment-repository.ts";
import { createPaymentService } from "./payment-service.ts";
import type { Tables } from "./payment-tables.ts";
import type { Processor } from "./processor.ts";
import { createGrpcStatement } from "./reconciliation/grpc-statement.ts";
import { wireReconciliation } from "./reconciliation/reconciliation-wiring.ts";
import type { Statement } from "./reconciliation/statement.ts";

/** The tables of payment, in their order. */
export const paymentMigrations = [databaseMigrations, outboxMigrations, new URL("./migrations/", import.meta.url)];

export interface PaymentParts {
  db: Kysely<Tables>;
  processor: Processor;
  statement: Statement;
  logger: Logger;
  /** For page tokens and fingerprints of requests: the same for every replica. */
  secret: Uint8Array;
  /** How long an attempt has a step for itself before the worker takes it up; by default 10 s. */
  leaseMs?: number;
  /** How often the worker looks for steps; by default every 2 s. */
  intervalMs?: number;
  /** How long a reservation that is not taken is kept; by default 7 days. */
  authorizationMaxAgeMs?: number;
  /** How often the worker looks for older ones; by default every minute. */
  expiryIntervalMs?: number;
  /** How often payments and books are compared with the processor's statement; by default every minute. */
  reconcileIntervalMs?: number;
  /** For metrics; by default nobody reads them. */
  registry?: Registry;
  now?: () => Date;
  newId?: () => string;
}

export interface PaymentWiring {
  services: Implementation[];
  workers: Worker[];
  /** What the first worker does in a round: finishes the steps whose lease ran out; resolves with their number. */
  finishDueSteps: (stop: AbortSignal) => Promise<number>;
  /** What the second does: gives up what was reserved too long ago; resolves with the number of payments. */
  expireStale: (stop: AbortSignal) => Promise<number>;
  /** What the third does: compares what is new at the processor. */
  reconcileSome: (stop: AbortSignal) => Promise<void>;
}

/** How often answers whose time is over are removed. */
const FORGET_INTERVAL_MS = 600_000;

/** Payment without a process round it. */
export function wirePayment(parts: PaymentParts): PaymentWiring {
  const { db, processor, statement, logger, secret, leaseMs = 10_000, intervalMs = 2000 } = parts;
  const { authorizationMaxAgeMs = 7 * 24 * 3_600_000, expiryIntervalMs = 60_000 } = parts;
  const { reconcileIntervalMs = 60_000, registry = new Registry() } = parts;
  const { now = () => new Date(), newId = uuidv7 } = parts;
  const store = createPaymentStore(db);
  const payments = (tx = store) => createPaymentService({ store: tx, now, newId, leaseMs });
  const driver = createPaymentDriver({ store, payments, processor });
  const paging = createPaging({ secret });
  const handler = createPaymentHandler({
    payments: (tx) => payments(tx && createPaymentStore(tx)),
    driver,
    once: createOnce({ db, secret, principalOf, now: parts.now }),
    paging,
  });
  const ledger = createLedgerHandler({
    ledger: createLedgerService({ store: createLedgerStore(db) }),
    verify: () => verifyLedger(db),
    paging,
  });
  const reconciliation = wireReconciliation({
    ...{ db, statement, paging, logger, registry, now, newId, payments },
    intervalMs: reconcileIntervalMs,
  });
  const dueSteps = createDueStepFinisher({ store, driver, logger, now, leaseMs, intervalMs });
  const expireStale = createExpirer({ store, payments, driver, logger, now, maxAgeMs: authorizationMaxAgeMs });
  const forgetAnswers = (signal: AbortSignal) => deleteExpired(db, { now: parts.now?.(), signal });
  const workers = [
    dueSteps,
    createPeriodicWorker({ name: "expiry", intervalMs: expiryIntervalMs, work: expireStale, logger }),
    reconciliation.worker,
    createPeriodicWorker({ name: "old-answers", intervalMs: FORGET_INTERVAL_MS, work: forgetAnswers, logger }),
  ];
  const services = [handler, ledger, ...reconciliation.services];
  return {
    services,
    workers,
    finishDueSteps: dueSteps.drain,
    expireStale,
    reconcileSome: reconciliation.reconcileSome,
  };
}

export interface StartPaymentOptions {
  config: PaymentConfig;
  logger: Logger;
}

/** Payment as a process. It listens when this resolves, and is ready once its database is there and migrated. */
export async function startPayment({ config, logger }: StartPaymentOptions): Promise<RunningService> {
  const auth = createAuth({ name: "payment", config, fetchKeys: (signal) => keys.listKeys({}, { signal }) });
  const db = openDatabase<Tables>({
    url: config.DATABASE_URL,
    logger,
    applicationName: "payment",
    currentSignal: () => currentCall()?.signal,
  });
  const database = await prepareDatabase(db, { logger, work: () => migrate(db, paymentMigrations) });
  const registry = new Registry();
  const called = { logger, registry, ...clientLimits(config) };
  const tls = createTlsFiles({ config, logger, registry });
  ledgerGauges({ db, registry, logger });
  const keys = createClient(userv1.KeyService, {
    target: config.USER_TARGET,
    tls: tls?.client,
    interceptors: standardClient(called),
  });
  const client = createClient(processorv1.ProcessorService, {
    target: config.PROCESSOR_TARGET,
    tls: tls?.client,
    interceptors: standardClient({ ...called, identity: auth.identityFor("processor") }),
  });
  const order = createClient(eventsv1.EventService, {
    target: config.ORDER_TARGET,
    tls: tls?.client,
    interceptors: standardClient({ ...called, identity: auth.identityFor("order") }),
  });
  const listener = createListener({ url: config.DATABASE_URL, channels: [OUTBOX_CHANNEL], logger });
  const nats =
    config.NATS_URL === undefined ? undefined : createNatsConnection({ url: config.NATS_URL, name: "payment" });
  const types = [paymentv1.PaymentEventSchema];
  const { services, workers } = wirePayment({
    db,
    processor: createGrpcProcessor({ client, timeoutMs: config.PROCESSOR_TIMEOUT }),
    statement: createGrpcStatement({ client, timeoutMs: config.PROCESSOR_TIMEOUT }),
    logger,
    registry,
    secret: readReplicaSecret({ config, name: "payment" }),
    leaseMs: config.STEP_LEASE,
    intervalMs: config.STEP_INTERVAL,
    authorizationMaxAgeMs: config.AUTHORIZATION_MAX_AGE,
    expiryIntervalMs: config.EXPIRY_INTERVAL,
    reconcileIntervalMs: config.RECONCILE_INTERVAL,
  });
  return startService({
    name: "payment",
    config,
    logger,
    auth,
    registry,
    tls,
    services: [...services, createOutboxHandler({ db })],
    workers: [...workers, ...createPublishing({ db, listener, nats, types, subscribers: [order], ...called })],
    checks: { database },
    async close() {
      for (const each of [keys, client, order]) each.close();
      await listener.close();
      await nats?.close();
      await db.destroy();
    },
  });
}
