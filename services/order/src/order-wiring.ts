import { createOnce, createPaging, deleteExpired, type Listener } from "@tenon/database";
import {
  createEventHandler,
  createInboxHandler,
  createListening,
  createOutboxHandler,
  type Inbox,
  OUTBOX_CHANNEL,
} from "@tenon/events";
import type { Implementation } from "@tenon/grpc";
import { principalOf } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { createPeriodicWorker, type Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import type { Registry } from "prom-client";
import { v7 as uuidv7 } from "uuid";
import { createCatalogHandler } from "./catalog/catalog-handler.ts";
import { createCatalogRepository } from "./catalog/catalog-repository.ts";
import { createCatalogService } from "./catalog/catalog-service.ts";
import { createOrderFollowService } from "./order-follow-service.ts";
import { createOrderHandler } from "./order-handler.ts";
import { createOrderRepository } from "./order-repository.ts";
import { createOrderService } from "./order-service.ts";
import { createOrderStatusFeed } from "./order-status-feed.ts";
import { orderSubscriptions } from "./order-subscriptions.ts";
import type { Tables } from "./order-tables.ts";
import { createOrderSaga } from "./saga/order-saga.ts";
import { createOrderWorker, type OrderWorkerOptions } from "./saga/order-worker.ts";
import type { Payments } from "./saga/payments.ts";
import { createPostgresOrderQueue } from "./saga/postgres-order-queue.ts";
import type { Users } from "./saga/users.ts";

/** The triggers of the migrations notify on these: an order's id after its change, that some order can be worked on, and that
 * there is an event to tell. */
export const ORDER_CHANNELS = ["order_changed", "order_due", OUTBOX_CHANNEL] as const;

export interface WireOrderOptions {
  db: Kysely<Tables>;
  /** Of ORDER_CHANNELS, on the same database. */
  listener: Listener;
  logger: Logger;
  /** Learns about events that arrive. */
  registry: Registry;
  /** For page tokens and fingerprints of requests: at least 16 bytes, the same for every replica. */
  secret: Uint8Array;
  payments: Payments;
  users: Users;
  /** How long a claim of an order outlives a worker that died; by default 3 s. */
  leaseMs?: number;
  worker?: Pick<OrderWorkerOptions, "concurrency" | "pollMs" | "stepTimeoutMs" | "stopGraceMs">;
  now?: () => Date;
  newId?: () => string;
  random?: () => number;
}

/** How often answers whose time is over are removed. */
const FORGET_INTERVAL_MS = 600_000;

export interface WiredOrder {
  readonly services: readonly Implementation[];
  readonly workers: readonly Worker[];
  /** Takes the events of others, however they come. */
  readonly inbox: Inbox;
}

/** The service without its process: storage, rules, handlers and the saga's worker, joined. */
export function wireOrder(options: WireOrderOptions): WiredOrder {
  const { db, listener, logger, registry, secret, payments, users, leaseMs = 3000, worker } = options;
  const { now = () => new Date(), newId = () => uuidv7(), random = Math.random } = options;

  const changes = createOrderStatusFeed({
    onChange: (changed) =>
      listener.subscribe("order_changed", { onNotify: (orderId) => changed(orderId), onGap: () => changed(undefined) }),
  });
  const catalog = (on: Kysely<Tables>) => createCatalogService({ products: createCatalogRepository(on), now, newId });
  const orders = (on: Kysely<Tables>) =>
    createOrderService({
      orders: createOrderRepository(on),
      products: createCatalogRepository(on),
      changes,
      now,
      newId,
    });
  const handling = {
    db,
    once: createOnce({ db, secret, principalOf, now: options.now }),
    paging: createPaging({ secret }),
  };

  const queue = createPostgresOrderQueue({ db, now, newId, leaseMs });
  const saga = createOrderSaga({ queue, payments, users });
  const onDue = (wake: () => void) => listener.subscribe("order_due", { onNotify: wake, onGap: wake });
  const follow = (on: Kysely<Tables>) => createOrderFollowService({ orders: createOrderRepository(on), now });
  const listening = createListening({ db, subscriptions: orderSubscriptions(follow), logger, registry });
  const forgetAnswers = (signal: AbortSignal) => deleteExpired(db, { now: options.now?.(), signal });
  return {
    services: [
      createCatalogHandler({ ...handling, service: catalog }),
      createOrderHandler({ ...handling, service: orders }),
      createEventHandler(listening),
      createInboxHandler(listening),
      createOutboxHandler({ db }),
    ],
    workers: [
      createOrderWorker({ queue, saga, onDue, logger, now, random, renewMs: leaseMs / 3, ...worker }),
      createPeriodicWorker({ name: "old-answers", intervalMs: FORGET_INTERVAL_MS, work: forgetAnswers, logger }),
      ...listening.workers,
    ],
    inbox: listening.inbox,
  };
}
