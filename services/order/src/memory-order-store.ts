import type { Life, MemoryDatabase } from "@tenon/testing";
import type { Order, Refund } from "./order.ts";
import type { Caller, OrderRepository } from "./order-service.ts";
import { stepOf } from "./order-states.ts";
import { type ClaimedOrder, LONGEST_WAIT_MS, type OrderQueue } from "./saga/order-queue.ts";

/** An order with what only the queue knows of it. */
export interface StoredOrder extends Order {
  readonly paymentMethod: string;
  readonly paymentAsked: boolean;
  readonly attempts: number;
  readonly claim: string | undefined;
  readonly leaseUntilMs: number;
  /** Unset where nothing is to be done. */
  readonly nextAttemptMs: number | undefined;
}

interface StoredRefund extends Refund {
  readonly orderId: string;
  readonly state: "PENDING" | "DONE" | "REFUSED";
}

export interface OrderTables extends Record<string, Map<string, unknown>> {
  orders: Map<string, StoredOrder>;
  refunds: Map<string, StoredRefund>;
  /** Every version of every order, by both; as the outbox has them. */
  events: Map<string, Order>;
  /** Answers by request id. */
  answers: Map<string, Order>;
  /** Events of others that had their effect. */
  inbox: Map<string, true>;
}

export interface MemoryOrderOptions {
  now: () => Date;
  newId: () => string;
  /** By default 3 s. */
  leaseMs?: number;
  /** Only to show that a simulation notices where a guard is missing. */
  unfenced?: boolean;
}

/** Orders in a transaction of a simulation. */
export function createMemoryOrderRepository(
  tables: OrderTables,
  { now }: Pick<MemoryOrderOptions, "now">,
): OrderRepository {
  const find = async (orderId: string, { userId, isAdmin }: Caller) => {
    const order = tables.orders.get(orderId);
    return order && (isAdmin || order.userId === userId) ? order : undefined;
  };
  const write = (order: StoredOrder): Order => {
    tables.orders.set(order.id, order);
    tables.events.set(`${order.id}/${order.version}`, order);
    return order;
  };

  return {
    async insert(order, paymentMethod) {
      const queued = { claim: undefined, leaseUntilMs: 0, nextAttemptMs: now().getTime(), attempts: 0 };
      write({ ...order, ...queued, paymentMethod, paymentAsked: false });
    },
    find,
    findAndLock: find,
    lockOfUser: async (userId, states, limit) =>
      [...tables.orders.values()]
        .filter((each) => each.userId === userId && states.includes(each.state))
        .slice(0, limit),
    list: async (_, __, { size }) => ({ items: [...tables.orders.values()].slice(0, size) }),
    async refund(order, refund, state, at) {
      tables.refunds.set(refund.id, { ...refund, orderId: order.id, state: "PENDING" });
      const refunding = { ...order.refunding, minor: order.refunding.minor + refund.amountMinor };
      return this.move({ ...order, refunding }, state, at);
    },
    async move(order, state, at) {
      const stored = tables.orders.get(order.id);
      if (stored?.version !== order.version) throw new Error(`order ${order.id} changed while it was locked`);
      const moved = { ...stored, ...order, state, version: order.version + 1n, updatedAt: at, attempts: 0 };
      return write({ ...moved, nextAttemptMs: stepOf(moved) === undefined ? undefined : now().getTime() });
    },
    async wake(orderId) {
      const order = tables.orders.get(orderId);
      if (order?.claim === undefined && (order?.nextAttemptMs ?? 0) > now().getTime()) {
        tables.orders.set(orderId, { ...(order as StoredOrder), nextAttemptMs: now().getTime(), attempts: 0 });
      }
    },
  };
}

/** The queue in the memory of a simulation, for a worker in this process. */
export function createMemoryOrderQueue(
  database: MemoryDatabase<OrderTables>,
  life: Life,
  { now, newId, leaseMs = 3000, unfenced = false }: MemoryOrderOptions,
): OrderQueue {
  const nowMs = () => now().getTime();
  const isOver = (endMs: number | undefined) =>
    endMs !== undefined && (endMs <= nowMs() || endMs > nowMs() + LONGEST_WAIT_MS);

  /** One statement: what `to` makes of the order, where it is held by this claim. */
  const update = (order: ClaimedOrder, to: (stored: StoredOrder, tables: OrderTables) => StoredOrder | undefined) =>
    database.atomically(life, async (tables) => {
      const stored = tables.orders.get(order.id);
      if (stored === undefined || (stored.claim !== order.claim && !unfenced)) return undefined;
      const next = to(stored, tables);
      if (next) tables.orders.set(order.id, next);
      return next && { ...toClaimed(next), claim: order.claim };
    });
  const isKnown = (stored: StoredOrder, { version }: ClaimedOrder) => stored.version === version || unfenced;

  return {
    claim: (limit) =>
      database.atomically(life, async ({ orders }) => {
        const claim = newId();
        const due = [...orders.values()]
          .filter(({ nextAttemptMs, leaseUntilMs }) => isOver(nextAttemptMs) && isOver(leaseUntilMs + 1))
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, limit)
          .map((order) => ({ ...order, claim, leaseUntilMs: nowMs() + leaseMs }));
        for (const order of due) orders.set(order.id, order);
        return due.map(toClaimed);
      }),
    async renew(claimed) {
      for (const order of claimed) await update(order, (stored) => ({ ...stored, leaseUntilMs: nowMs() + leaseMs }));
    },
    reload: (order) => update(order, (stored) => stored),
    markAsked: (order) =>
      update(order, (stored) =>
        isKnown(stored, order) ? { ...stored, paymentAsked: true, leaseUntilMs: nowMs() + leaseMs } : undefined,
      ),
    nextRefund: async ({ id }) =>
      [...database.committed.refunds.values()].find(({ orderId, state }) => orderId === id && state === "PENDING"),
    change: (order, { refund, refundState = "DONE", ...change }) =>
      update(order, (stored, tables) => {
        if (!isKnown(stored, order)) return undefined;
        const refunding = { ...order.refunding, minor: order.refunding.minor - (refund?.amountMinor ?? 0n) };
        const { state, paymentId = order.paymentId, refunded = order.refunded, failure = stored.failure } = change;
        const next = {
          ...stored,
          state,
          paymentId,
          refunded,
          refunding,
          failure,
          version: order.version + 1n,
          attempts: 0,
        };
        const rests = stepOf(next) === undefined;
        if (refund) tables.refunds.set(refund.id, { ...refund, orderId: order.id, state: refundState });
        tables.events.set(`${order.id}/${next.version}`, next);
        return rests
          ? { ...next, ...UNCLAIMED, nextAttemptMs: undefined }
          : { ...next, leaseUntilMs: nowMs() + leaseMs };
      }),
    async postpone(order, delayMs) {
      await update(order, (stored) => {
        const isSame = stored.version === order.version;
        return {
          ...stored,
          ...UNCLAIMED,
          attempts: isSame ? stored.attempts + 1 : 0,
          nextAttemptMs: nowMs() + (isSame ? delayMs : 0),
        };
      });
    },
    async release(order) {
      await update(order, (stored) => ({ ...stored, ...UNCLAIMED, nextAttemptMs: nowMs() }));
    },
  };
}

const UNCLAIMED = { claim: undefined, leaseUntilMs: 0 };

const toClaimed = (order: StoredOrder): ClaimedOrder => ({
  ...order,
  claim: order.claim ?? "",
  traceParent: undefined,
});
