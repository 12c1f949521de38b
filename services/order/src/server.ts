import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { createListener, databaseMigrations, migrate, openDatabase, prepareDatabase } from "@tenon/database";
import {
  createNatsConnection,
  createNatsSubscriber,
  createPublishing,
  inboxMigrations,
  outboxMigrations,
} from "@tenon/events";
import { createClient } from "@tenon/grpc";
import { currentCall, standardClient } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import {
  clientLimits,
  createAuth,
  createTlsFiles,
  type RunningService,
  readReplicaSecret,
  startService,
} from "@tenon/runtime";
import { Registry } from "prom-client";
import { createCatalogRepository } from "./catalog/catalog-repository.ts";
import { insertDemoCatalog } from "./catalog/demo-catalog.ts";
import type { OrderConfig } from "./config.ts";
import { orderGauges } from "./order-gauges.ts";
import type { Tables } from "./order-tables.ts";
import { ORDER_CHANNELS, wireOrder } from "./order-wiring.ts";
import { createGrpcPayments } from "./saga/grpc-payments.ts";
import { createGrpcUsers } from "./saga/grpc-users.ts";

export { ORDER_CHANNELS, type WiredOrder, type WireOrderOptions, wireOrder } from "./order-wiring.ts";

/** The service's tables, and those of `once`, outbox and inbox. */
export const orderMigrations: readonly URL[] = [
  databaseMigrations,
  outboxMigrations,
  inboxMigrations,
  new URL("./migrations/", import.meta.url),
];

export interface StartOrderOptions {
  config: OrderConfig;
  logger: Logger;
}

/**
 * Starts the order service. With its database down it starts all the same, and is ready once that is up and prepared;
 * users and payments may come and go. Rejects with a StartError where its keys cannot be used.
 */
export async function startOrder({ config, logger }: StartOrderOptions): Promise<RunningService> {
  const auth = createAuth({ config, name: "order", fetchKeys: (signal) => keys.listKeys({}, { signal }) });
  const db = openDatabase<Tables>({
    url: config.DATABASE_URL,
    logger,
    applicationName: "order",
    currentSignal: () => currentCall()?.signal,
  });
  const database = await prepareDatabase(db, {
    logger,
    async work() {
      await migrate(db, orderMigrations);
      if (config.DEMO_CATALOG) await insertDemoCatalog(createCatalogRepository(db));
    },
  });
  const registry = new Registry();
  const called = { logger, registry, ...clientLimits(config) };
  const tls = createTlsFiles({ config, logger, registry });
  const keys = createClient(userv1.KeyService, {
    target: config.USER_TARGET,
    tls: tls?.client,
    interceptors: standardClient(called),
  });
  const users = createClient(userv1.UserService, {
    target: config.USER_TARGET,
    tls: tls?.client,
    interceptors: standardClient({ ...called, identity: auth.identityFor("user") }),
  });
  const payments = createClient(paymentv1.PaymentService, {
    target: config.PAYMENT_TARGET,
    tls: tls?.client,
    interceptors: standardClient({ ...called, identity: auth.identityFor("payment") }),
  });
  orderGauges({ db, registry, logger });
  const nats =
    config.NATS_URL === undefined ? undefined : createNatsConnection({ url: config.NATS_URL, name: "order" });
  const listener = createListener({ url: config.DATABASE_URL, channels: ORDER_CHANNELS, logger });
  const wired = wireOrder({
    db,
    listener,
    logger,
    registry,
    secret: readReplicaSecret({ config, name: "order" }),
    payments: createGrpcPayments({ client: payments }),
    users: createGrpcUsers({ client: users }),
  });
  // Nobody listens to orders yet: without a broker their events are kept for those who will.
  const types = [orderv1.OrderEventSchema];
  const publishing = createPublishing({ db, listener, nats, types, subscribers: [], ...called });
  const subscriber = nats && createNatsSubscriber({ connection: nats, inbox: wired.inbox, name: "order", logger });
  return startService({
    name: "order",
    config,
    logger,
    auth,
    registry,
    tls,
    services: wired.services,
    workers: [...wired.workers, ...publishing, ...(subscriber ? [subscriber] : [])],
    checks: { database },
    async close() {
      for (const client of [keys, users, payments]) client.close();
      await listener.close();
      await nats?.close();
      await db.destroy();
    },
  });
}
