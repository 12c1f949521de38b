import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { type Code, StatusError } from "@tenon/errors";
import { type ClientTls, createClient, createMetadata } from "@tenon/grpc";
import type { Ports } from "./published-ports.ts";
import { SmokeFailure } from "./smoke-failure.ts";

/** For everything that a call has to outlive: a container that starts again, a database that does. */
const CALL_LIMIT_MS = 180_000;
const FINISH_LIMIT_MS = 180_000;
const ATTEMPT_MS = 5_000;
const POLL_MS = 100;
const AT_ONCE = 8;

/** Those that a caller may repeat with the same request id. Any other code is a failure of the platform. */
const PASSING: readonly Code[] = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "RESOURCE_EXHAUSTED"];

export interface SmokeCustomer extends Disposable {
  /** Places `count` orders, some at once, and resolves when all are confirmed. `meanwhile` runs when a third is placed. */
  order(count: number, meanwhile?: () => Promise<void>): Promise<void>;
  /** How many orders there are in all, by state. */
  countOrders(): Promise<Record<string, number>>;
}

export interface SmokeCustomerOptions {
  ports: Pick<Ports, "user" | "order">;
  signal: AbortSignal;
  /** By which the services are called; by default in the clear. */
  tls?: ClientTls;
}

/** Somebody who signs up and buys: as a program would that repeats what was not answered. */
export async function createSmokeCustomer({ ports, signal, tls }: SmokeCustomerOptions): Promise<SmokeCustomer> {
  const at = (name: "user" | "order") => ({ target: `127.0.0.1:${ports[name]}`, tls });
  const users = createClient(userv1.UserService, at("user"));
  const sessions = createClient(userv1.SessionService, at("user"));
  const orders = createClient(orderv1.OrderService, at("order"));
  const catalog = createClient(orderv1.CatalogService, at("order"));

  async function repeat<T>(call: (options: { timeoutMs: number; signal: AbortSignal }) => Promise<T>): Promise<T> {
    for (const startedAt = Date.now(); ; await delay(POLL_MS, undefined, { signal })) {
      try {
        return await call({ timeoutMs: ATTEMPT_MS, signal });
      } catch (error) {
        const passing = error instanceof StatusError && PASSING.includes(error.code);
        if (signal.aborted || (passing && Date.now() - startedAt < CALL_LIMIT_MS)) continue;
        throw new SmokeFailure(
          `a call failed: ${error instanceof StatusError ? `${error.code} ` : ""}${(error as Error).message}`,
        );
      }
    }
  }

  const login = { email: `smoke-${randomUUID()}@example.com`, password: randomUUID() };
  const signUp = { requestId: randomUUID(), displayName: "Smoke", ...login };
  await repeat((options) => users.createUser(signUp, options));
  const { accessToken } = await repeat((options) => sessions.createSession(login, options));
  const { products } = await repeat((options) => catalog.listProducts({}, options));
  const metadata = () => createMetadata({ authorization: `Bearer ${accessToken}` });

  async function place(): Promise<string> {
    const items = [{ productId: products[0]?.id ?? "", quantity: 2 }];
    const request = { requestId: randomUUID(), items, paymentMethod: "pm_ok" };
    const { order } = await repeat((options) => orders.createOrder(request, { ...options, metadata: metadata() }));
    return order?.id ?? "";
  }

  async function confirmed(orderId: string): Promise<void> {
    for (const startedAt = Date.now(); ; await delay(POLL_MS, undefined, { signal })) {
      const { order } = await repeat((options) => orders.getOrder({ orderId }, { ...options, metadata: metadata() }));
      const state = order?.state ?? orderv1.OrderState.UNSPECIFIED;
      if (state === orderv1.OrderState.CONFIRMED) return;
      const open = state === orderv1.OrderState.PENDING || state === orderv1.OrderState.AUTHORIZED;
      if (open && Date.now() - startedAt < FINISH_LIMIT_MS) continue;
      throw new SmokeFailure(`order ${orderId} is not confirmed but ${nameOf(state)}`);
    }
  }

  return {
    async order(count, meanwhile = async () => {}) {
      const placed: string[] = [];
      let begun = 0;
      let disturbed: Promise<void> | undefined;
      const worker = async () => {
        while (begun < count) {
          begun += 1;
          placed.push(await place());
          if (placed.length >= count / 3) disturbed ??= meanwhile();
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      await disturbed;
      await Promise.all(placed.map(confirmed));
    },
    async countOrders() {
      const counts: Record<string, number> = {};
      for (let pageToken = ""; ; ) {
        const page = await repeat((options) =>
          orders.listOrders({ pageSize: 100, pageToken }, { ...options, metadata: metadata() }),
        );
        for (const { state } of page.orders) counts[nameOf(state)] = (counts[nameOf(state)] ?? 0) + 1;
        pageToken = page.nextPageToken;
        if (pageToken === "") return counts;
      }
    },
    [Symbol.dispose]() {
      for (const client of [users, sessions, orders, catalog]) client.close();
    },
  };
}

const nameOf = (state: orderv1.OrderState): string => orderv1.OrderStateSchema.value[state]?.localName ?? String(state);
