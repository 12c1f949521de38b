import type { Money } from "@tenon/money";
import { createMemoryDatabase, type Life, type Simulation } from "@tenon/testing";
import type { Product } from "./catalog/product.ts";
import { createMemoryOrderQueue, createMemoryOrderRepository, type OrderTables } from "./memory-order-store.ts";
import type { Order } from "./order.ts";
import { createOrderFollowService, type SettledPayment } from "./order-follow-service.ts";
import {
  type Caller,
  createOrderService,
  type NewOrder,
  type OrderChanges,
  type OrderService,
} from "./order-service.ts";
import { createGrpcPayments, type GrpcPaymentsOptions } from "./saga/grpc-payments.ts";
import type { ClaimedOrder } from "./saga/order-queue.ts";
import { createOrderSaga } from "./saga/order-saga.ts";
import { retryDelay } from "./saga/retry-delay.ts";
import type { Users } from "./saga/users.ts";

export interface SimulatedOrderOptions {
  simulation: Simulation;
  products: readonly Product[];
  users: Users;
  /** Payment's client in a process of order. */
  paymentsIn(life: Life): GrpcPaymentsOptions["client"];
  /** Only to show that the simulation notices where a guard is missing: changes without claim and version. */
  unfenced?: boolean;
}

const POLL_MS = 1000;
const LEASE_MS = 3000;
const CONCURRENCY = 8;
const NEVER = new AbortController().signal;

const nobodyWatches: OrderChanges = {
  subscribe() {
    throw new Error("nobody watches in a simulation");
  },
};

/** Two replicas of order in a simulation: rules, saga, workers and payment's adapter, on a store in memory. */
export function simulateOrder({ simulation, products, users, paymentsIn, unfenced = false }: SimulatedOrderOptions) {
  const { now, newId, random } = simulation;
  const tables: OrderTables = {
    orders: new Map(),
    refunds: new Map(),
    events: new Map(),
    answers: new Map(),
    inbox: new Map(),
  };
  const database = createMemoryDatabase(tables);

  const rulesOn = (tables: OrderTables): OrderService =>
    createOrderService({
      orders: createMemoryOrderRepository(tables, { now }),
      products: { findAll: async (ids) => products.filter(({ id }) => ids.includes(id)) },
      changes: nobodyWatches,
      now,
      newId,
    });

  /** As the worker does: claims what is due, drives each to where it rests, renews the claims meanwhile. */
  async function work(life: Life): Promise<void> {
    const queue = createMemoryOrderQueue(database, life, { now, newId, leaseMs: LEASE_MS, unfenced });
    const saga = createOrderSaga({ queue, payments: createGrpcPayments({ client: paymentsIn(life) }), users });
    const inWork = new Set<ClaimedOrder>();
    void (async () => {
      for (;;) {
        await life.sleep(LEASE_MS / 3);
        await queue.renew([...inWork]);
      }
    })();

    async function drive(claimed: ClaimedOrder): Promise<void> {
      inWork.add(claimed);
      let order = claimed;
      try {
        for (let next = await saga(order, NEVER); next; next = await saga(order, NEVER)) order = next;
      } catch (error) {
        await queue.postpone(order, retryDelay(order.attempts, { error, random: random.next }));
      } finally {
        inWork.delete(claimed);
      }
    }

    for (;;) {
      const free = CONCURRENCY - inWork.size;
      for (const order of free > 0 ? await queue.claim(free) : []) void drive(order);
      await life.sleep(POLL_MS);
    }
  }

  const processes = ["order-1", "order-2"].map((name) => simulation.start(name, (life) => void work(life)));

  /** A request of a customer, with an effect once for each request id. */
  function request(from: Life, what: string, requestId: string, effect: (rules: OrderService) => Promise<Order>) {
    const serve = (life: Life) =>
      database.atomically(life, async (tables) => {
        const answered = tables.answers.get(requestId);
        if (answered) return answered;
        const order = await effect(rulesOn(tables));
        tables.answers.set(requestId, order);
        return order;
      });
    return simulation.call(from, processes, { what: `order ${what}`, serve });
  }

  /** Delivers an event of another service: it has its effect once, however often it comes. */
  function hear(
    from: Life,
    eventId: string,
    effect: (follow: ReturnType<typeof createOrderFollowService>) => Promise<void>,
  ) {
    const serve = (life: Life) =>
      database.atomically(life, async (tables) => {
        if (tables.inbox.has(eventId)) return;
        tables.inbox.set(eventId, true);
        await effect(createOrderFollowService({ orders: createMemoryOrderRepository(tables, { now }), now }));
      });
    return simulation.call(from, processes, { what: `event ${eventId}`, serve });
  }

  return {
    tables: () => database.committed,
    create: (from: Life, requestId: string, order: NewOrder) =>
      request(from, "create", requestId, (rules) => rules.createOrder(order)),
    cancel: (from: Life, requestId: string, orderId: string, caller: Caller) =>
      request(from, "cancel", requestId, (rules) => rules.cancelOrder(orderId, caller)),
    refund: (from: Life, requestId: string, orderId: string, amount: Money) =>
      request(from, "refund", requestId, (rules) => rules.refundOrder(orderId, { userId: "", isAdmin: true }, amount)),
    hearPayment: (from: Life, eventId: string, payment: SettledPayment) =>
      hear(from, eventId, (follow) => follow.paymentSettled(payment)),
    hearUserLeft: (from: Life, eventId: string, userId: string) =>
      hear(from, eventId, (follow) => follow.userLeft(userId)),
  };
}

export type SimulatedOrder = ReturnType<typeof simulateOrder>;
