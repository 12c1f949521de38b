import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import type { Code } from "@tenon/errors";
import { StatusError } from "@tenon/errors";
import type { CallOptions, Client } from "@tenon/grpc";
import { fromMinor, type Money, multiply, toMinor } from "@tenon/money";
import type { SeededRandom } from "@tenon/testing";
import type { ChaosHistory } from "./chaos-history.ts";

export interface ChaosCustomerOptions {
  orders: Client<typeof orderv1.OrderService>;
  products: readonly orderv1.Product[];
  /** Call options with the token of the customer or of an admin; obtained anew when one has expired. */
  asCustomer: () => Promise<CallOptions>;
  asAdmin: () => Promise<CallOptions>;
  /** Resolves when there is room for another order: what waits is to wait for what was killed, not for the machine. */
  hasRoom: (stop: AbortSignal) => Promise<void>;
  random: SeededRandom;
  history: ChaosHistory;
}

/** What a customer knows of an order, to be compared with what is found in the end. */
export interface PlacedOrder {
  readonly id: string;
  readonly total: Money;
  readonly paymentMethod: string;
  readonly placedAt: number;
  isCancelled: boolean;
  /** Refunds that were granted. */
  readonly refundsMinor: bigint[];
}

export interface ChaosCustomer {
  /** Every order that was answered. */
  readonly placed: readonly PlacedOrder[];
  /** What was answered and must not have been. */
  readonly violations: readonly string[];
  /** Places orders, cancels some and has some refunded, until `stop` aborts; each request is repeated until it is answered. */
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

const ATTEMPT_MS = 3000;
/** Longer than anything stays away. */
const ANSWER_LIMIT_MS = 120_000;
/** Those that a caller may repeat with the same request id. */
const PASSING: readonly Code[] = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "RESOURCE_EXHAUSTED"];

/** One who buys as a program would: a request that was not answered is sent again under the same id. */
export function createChaosCustomer(options: ChaosCustomerOptions): ChaosCustomer {
  const { orders, products, asCustomer, asAdmin, hasRoom, random, history } = options;
  const placed: PlacedOrder[] = [];
  const violations: string[] = [];

  async function place(): Promise<void> {
    const product = random.pick(products);
    const quantity = random.between(1, 3);
    const items = [{ productId: product.id, quantity }];
    const request = { requestId: randomUUID(), items, paymentMethod: random.pick(METHODS) };
    const attempt = async () => orders.createOrder(request, await asCustomer());
    const { order } = await answered("CreateOrder", request.requestId, orderv1.CreateOrderResponseSchema, attempt);
    if (!order) throw new Error("an order was answered without itself");
    const total = toMinor(order.total);
    const known = { id: order.id, total, paymentMethod: request.paymentMethod, placedAt: Date.now() };
    placed.push({ ...known, isCancelled: false, refundsMinor: [] });
    if (total.minor !== multiply(toMinor(product.price), quantity).minor) {
      violations.push(`14: order ${order.id} comes to ${total.minor}, its items do not`);
    }
  }

  async function cancel(order: PlacedOrder): Promise<void> {
    const request = { requestId: randomUUID(), orderId: order.id };
    const attempt = async () => orders.cancelOrder(request, await asCustomer());
    const { order: found } = await answered(
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
    const attempt = async () => orders.refundOrder(request, await asAdmin());
    const { order: found } = await answered(
      "RefundOrder",
      request.requestId,
      orderv1.RefundOrderResponseSchema,
      attempt,
    );
    if (found) order.refundsMinor.push(minor);
  }

  /** The answer, or nothing where the request was refused for good. One in ten is asked for again, and must be the same. */
  async function answered<S extends DescMessage>(
    call: string,
    requestId: string,
    schema: S,
    attempt: () => Promise<MessageShape<S>>,
  ): Promise<Partial<MessageShape<S>>> {
    const first = await repeated(call, requestId, attempt);
    if (!random.isOneIn(10)) return first instanceof StatusError ? {} : first;
    const again = await repeated(call, requestId, attempt);
    if (toText(schema, first) !== toText(schema, again)) {
      violations.push(
        `1: ${call} ${requestId} was answered in two ways: ${toText(schema, first)}, ${toText(schema, again)}`,
      );
    }
    return first instanceof StatusError ? {} : first;
  }

  async function repeated<T>(call: string, requestId: string, attempt: () => Promise<T>): Promise<T | StatusError> {
    const startedAt = Date.now();
    for (let attempts = 1; ; attempts++) {
      try {
        const answer = await attempt();
        history.add("ok", { call, requestId, attempts, ms: Date.now() - startedAt });
        return answer;
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        const { code, reason } = error;
        if (!PASSING.includes(code)) {
          history.add("refused", { call, requestId, attempts, code, reason });
          if (code !== "FAILED_PRECONDITION") violations.push(`${call} ${requestId} failed: ${code} ${error.message}`);
          return error;
        }
        history.add("unanswered", { call, requestId, code, reason });
        if (Date.now() - startedAt > ANSWER_LIMIT_MS) throw new Error(`22: ${call} ${requestId} was never answered`);
        await delay(random.between(20, 200));
      }
    }
  }

  return {
    placed,
    violations,
    async run(stop) {
      while (!stop.aborted) {
        await hasRoom(stop);
        await place();
        const order = random.pick(placed.slice(-12));
        if (random.isOneIn(6)) await cancel(order);
        if (random.isOneIn(4)) await refund(order);
        await delay(random.between(50, 400));
      }
    },
  };
}

const toText = <S extends DescMessage>(schema: S, answer: MessageShape<S> | StatusError): string =>
  answer instanceof StatusError
    ? `${answer.code} ${answer.reason} ${answer.message}`
    : Buffer.from(toBinary(schema, answer)).toString("hex");

export const withDeadline = (options: CallOptions): CallOptions => ({ ...options, timeoutMs: ATTEMPT_MS });
