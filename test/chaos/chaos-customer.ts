import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import * as orderv1 from "@tenon/contracts/order/v1";
import type { Client } from "@tenon/grpc";
import { fromMinor, type Money, multiply, toMinor } from "@tenon/money";
import type { SeededRandom } from "@tenon/testing";
import type { Account, ChaosAccounts } from "./chaos-accounts.ts";
import type { ChaosHistory } from "./chaos-history.ts";
import { createInsistentCaller } from "./insistent-caller.ts";

export interface ChaosCustomerOptions {
  orders: Client<typeof orderv1.OrderService>;
  products: readonly orderv1.Product[];
  accounts: ChaosAccounts;
  /** Resolves when there is room for another order: what waits is to wait for what was killed, not for the machine. */
  hasRoom: (stop: AbortSignal) => Promise<void>;
  random: SeededRandom;
  history: ChaosHistory;
}

/** What a customer knows of an order, to be compared with what is found in the end. */
export interface PlacedOrder {
  readonly id: string;
  readonly userId: string;
  readonly total: Money;
  readonly paymentMethod: string;
  readonly placedAt: number;
  /** The customer was blocked before he placed it. */
  readonly isAfterBlock: boolean;
  isCancelled: boolean;
  /** Refunds that were granted. */
  readonly refundsMinor: bigint[];
}

export interface ChaosCustomer {
  /** Every order that was answered. */
  readonly placed: readonly PlacedOrder[];
  /** Users that were blocked. */
  readonly blocked: readonly string[];
  /** What was answered and must not have been. */
  readonly violations: readonly string[];
  /**
   * Places orders, cancels some, has some refunded and is blocked now and then, to come back as somebody else, until `stop`
   * aborts; each request is repeated until it is answered.
   */
  run(stop: AbortSignal): Promise<void>;
}

/** How often each method is chosen, of a hundred. */
const METHODS = Object.entries({
  pm_ok: 62,
  pm_duplicate: 10,
  pm_timeout_then_ok: 8,
  pm_declined: 8,
  pm_insufficient_funds: 6,
  pm_slow: 6,
}).flatMap(([method, share]) => Array<string>(share).fill(method));

/** A cancellation is for one of the last orders, in the midst of its saga; a refund for one that may be paid by now. */
const RECENT = 12;
const CANCEL_ONE_IN = 6;
const REFUND_ONE_IN = 4;
const BLOCK_ONE_IN = 20;

/** One who buys as a program would: a request that was not answered is sent again under the same id. */
export function createChaosCustomer(options: ChaosCustomerOptions): ChaosCustomer {
  const { orders, products, accounts, hasRoom, random, history } = options;
  const caller = createInsistentCaller({ random, history });
  const placed: PlacedOrder[] = [];
  const blocked: string[] = [];
  const owners = new Map<string, Account>();

  async function place(account: Account): Promise<void> {
    const { userId } = account;
    const product = random.pick(products);
    const quantity = random.between(1, 3);
    const items = [{ productId: product.id, quantity }];
    const request = { requestId: randomUUID(), items, paymentMethod: random.pick(METHODS) };
    const isAfterBlock = blocked.includes(userId);
    const attempt = async () => orders.createOrder(request, await account.credentials());
    const { order } = await caller.ask("CreateOrder", request.requestId, orderv1.CreateOrderResponseSchema, attempt);
    if (!order) throw new Error("an order was answered without itself");
    const total = toMinor(order.total);
    const known = { id: order.id, userId, total, paymentMethod: request.paymentMethod, placedAt: Date.now() };
    placed.push({ ...known, isAfterBlock, isCancelled: false, refundsMinor: [] });
    owners.set(order.id, account);
    if (total.minor !== multiply(toMinor(product.price), quantity).minor) {
      caller.violations.push(`14: order ${order.id} comes to ${total.minor}, its items do not`);
    }
  }

  async function cancel(order: PlacedOrder): Promise<void> {
    const request = { requestId: randomUUID(), orderId: order.id };
    const owner = owners.get(order.id) as Account;
    const attempt = async () => orders.cancelOrder(request, await owner.credentials());
    const { order: found } = await caller.ask(
      "CancelOrder",
      request.requestId,
      orderv1.CancelOrderResponseSchema,
      attempt,
    );
    order.isCancelled ||= found !== undefined;
  }

  async function refund(order: PlacedOrder): Promise<void> {
    const { total } = order;
    const minor = random.isOneIn(2) ? total.minor : 1n + (total.minor * BigInt(random.between(1, 60))) / 100n;
    const request = { requestId: randomUUID(), orderId: order.id, amount: fromMinor({ ...total, minor }) };
    const attempt = async () => orders.refundOrder(request, await accounts.asAdmin());
    const { order: found } = await caller.ask(
      "RefundOrder",
      request.requestId,
      orderv1.RefundOrderResponseSchema,
      attempt,
    );
    if (found) order.refundsMinor.push(minor);
  }

  /** In the midst of whatever his orders are at; what he still orders then is not to be paid. */
  async function block(account: Account): Promise<void> {
    await accounts.block(caller, account);
    blocked.push(account.userId);
    await place(account);
  }

  return {
    placed,
    blocked,
    violations: caller.violations,
    async run(stop) {
      let account = await accounts.signUp(caller);
      while (!stop.aborted) {
        await hasRoom(stop);
        await place(account);
        if (random.isOneIn(CANCEL_ONE_IN)) await cancel(random.pick(placed.slice(-RECENT)));
        if (random.isOneIn(REFUND_ONE_IN)) await refund(random.pick(placed.slice(-2 * RECENT)));
        if (random.isOneIn(BLOCK_ONE_IN)) {
          await block(account);
          account = await accounts.signUp(caller);
        }
        await delay(random.between(50, 400));
      }
    },
  };
}
