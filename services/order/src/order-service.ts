import type { Page, Paged } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import type { Money } from "@tenon/money";
import type { Product } from "./catalog/product.ts";
import { assertEachProductOnce, type Order, type OrderLine, priceLines, type Refund } from "./order.ts";
import { isFinal, type OrderState, ruleOf } from "./order-states.ts";

/** Who asks. Orders of others are seen by admins only. */
export interface Caller {
  readonly userId: string;
  readonly isAdmin: boolean;
}

/** The storage of orders that the rules need. `caller` is part of every query: a row that is another's is no row. */
export interface OrderRepository {
  insert(order: Order, paymentMethod: string): Promise<void>;
  find(orderId: string, caller: Caller): Promise<Order | undefined>;
  /** As `find`, and holds the order unchanged by others until the transaction ends. */
  findAndLock(orderId: string, caller: Caller): Promise<Order | undefined>;
  /** Orders of a user that are in one of these states, locked; `limit` at most. */
  lockOfUser(userId: string, states: readonly OrderState[], limit: number): Promise<Order[]>;
  /** The newest first. */
  list(filter: OrderFilter, caller: Caller, page: Page): Promise<Paged<Order>>;
  /** Moves a locked order on, what was refunded of it included, and has a worker look at it. Returns it as it is then. */
  move(order: Order, state: OrderState, now: Date): Promise<Order>;
  /** As `move`, with a refund that the worker is to ask for. */
  refund(order: Order, refund: Refund, state: OrderState, now: Date): Promise<Order>;
  /** Has a worker look at an order at once that waits for the end of a delay. */
  wake(orderId: string): Promise<void>;
}

/** An order as a user asks for it. */
export interface NewOrder {
  userId: string;
  lines: readonly OrderLine[];
  paymentMethod: string;
}

export interface OrderFilter {
  /** Undefined: any. */
  readonly state: OrderState | undefined;
}

/** Tells of changes of one order, made by whatever process. */
export interface OrderChanges {
  subscribe(orderId: string): OrderSubscription;
}

export interface OrderSubscription extends Disposable {
  /**
   * Resolves when the order may have changed since the call before, or since the subscription. Rejects with the signal's
   * reason when it aborts.
   */
  next(signal: AbortSignal): Promise<void>;
}

export interface OrderServiceOptions {
  orders: OrderRepository;
  /** The catalogue, as the same transaction sees it. */
  products: { findAll(productIds: readonly string[]): Promise<Product[]> };
  changes: OrderChanges;
  now: () => Date;
  newId: () => string;
}

export type OrderService = ReturnType<typeof createOrderService>;

/** The rules of orders, from the callers' side. What happens without a caller is the saga's. */
export function createOrderService({ orders, products, changes, now, newId }: OrderServiceOptions) {
  async function getOrder(orderId: string, caller: Caller): Promise<Order> {
    return (await orders.find(orderId, caller)) ?? refuseUnknown(caller);
  }

  return {
    getOrder,

    async createOrder({ userId, paymentMethod, ...request }: NewOrder): Promise<Order> {
      const lines = request.lines.map((line) => ({ ...line, productId: line.productId.toLowerCase() }));
      assertEachProductOnce(lines);
      const { items, total } = priceLines(lines, await products.findAll(lines.map((line) => line.productId)));
      const createdAt = now();
      const order: Order = {
        id: newId(),
        userId,
        items,
        total,
        refunded: { currency: total.currency, minor: 0n },
        refunding: { currency: total.currency, minor: 0n },
        state: "PENDING",
        version: 1n,
        paymentId: undefined,
        failure: undefined,
        createdAt,
        updatedAt: createdAt,
      };
      await orders.insert(order, paymentMethod);
      return order;
    },

    listOrders: (filter: OrderFilter, caller: Caller, page: Page): Promise<Paged<Order>> =>
      orders.list(filter, caller, page),

    async cancelOrder(orderId: string, caller: Caller): Promise<Order> {
      const order = (await orders.findAndLock(orderId, caller)) ?? refuseUnknown(caller);
      const { cancel } = ruleOf(order.state);
      if (cancel === undefined) {
        throw new StatusError("FAILED_PRECONDITION", "the order failed: there is nothing to cancel", {
          reason: "ORDER_NOT_CANCELLABLE",
          metadata: { state: order.state },
        });
      }
      return cancel === order.state ? order : orders.move(order, cancel, now());
    },

    /** Sets an amount aside and has the worker give it back. */
    async refundOrder(orderId: string, caller: Caller, amount: Money): Promise<Order> {
      const order = (await orders.findAndLock(orderId, caller)) ?? refuseUnknown(caller);
      const leftMinor = refundableMinor(order, amount);
      const refund = { id: newId(), amountMinor: amount.minor };
      return orders.refund(order, refund, amount.minor === leftMinor ? "REFUNDING" : order.state, now());
    },

    /**
     * The order as it is, then after every change, until it is final or `signal` aborts; only versions above
     * `afterVersion`. A change that another one follows at once may be left out, the last one never.
     */
    async *watchOrder(orderId: string, caller: Caller, options: { afterVersion: bigint; signal: AbortSignal }) {
      // Before the first read, so that a change between reading and waiting is not missed.
      using subscription = changes.subscribe(orderId);
      let seen = options.afterVersion;
      for (;;) {
        const order = await getOrder(orderId, caller);
        if (order.version > seen) {
          seen = order.version;
          yield order;
        }
        if (isFinal(order.state)) return;
        await subscription.next(options.signal);
      }
    },
  };
}

/** How much of a paid order can be given back; throws where `amount` is more, or none. */
function refundableMinor({ state, total, refunded, refunding }: Order, amount: Money): bigint {
  if (amount.currency !== total.currency) {
    throw new StatusError("INVALID_ARGUMENT", `amount must be in ${total.currency}`, {
      reason: "CURRENCY_MISMATCH",
      violations: [{ field: "amount.currency_code", description: `must be ${total.currency}` }],
    });
  }
  if (amount.minor <= 0n) {
    throw new StatusError("INVALID_ARGUMENT", "amount must be above zero", {
      reason: "VALIDATION_FAILED",
      violations: [{ field: "amount", description: "must be above zero" }],
    });
  }
  if (!PAID.includes(state)) {
    throw new StatusError("FAILED_PRECONDITION", "the order is not paid: there is nothing to give back", {
      reason: "PAYMENT_STATE_CONFLICT",
      metadata: { state },
    });
  }
  // An order that is REFUNDING gives all that is left back already.
  const leftMinor = state === "CONFIRMED" ? total.minor - refunded.minor - refunding.minor : 0n;
  if (amount.minor > leftMinor) {
    throw new StatusError("FAILED_PRECONDITION", "less than this amount is left to refund", {
      reason: "AMOUNT_EXCEEDS_CAPTURED",
    });
  }
  return leftMinor;
}

const PAID: readonly OrderState[] = ["CONFIRMED", "REFUNDING", "REFUNDED"];

/** To a user, an order that does not exist and another user's are the same. */
function refuseUnknown({ isAdmin }: Caller): never {
  if (isAdmin) throw new StatusError("NOT_FOUND", "there is no such order", { reason: "ORDER_NOT_FOUND" });
  throw new StatusError("PERMISSION_DENIED", "this order is not yours", { reason: "NOT_ALLOWED" });
}
