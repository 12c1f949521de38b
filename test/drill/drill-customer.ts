import { randomUUID } from "node:crypto";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { StatusError } from "@tenon/errors";
import { createClient, createMetadata } from "@tenon/grpc";
import type { Caller, Lane } from "./drill-load.ts";
import type { DrillPlatform, GatewayProcess } from "./drill-platform.ts";

/** One who calls everything, by gRPC and by REST, at many places at once. */
export interface DrillCustomer {
  readonly lanes: readonly Lane[];
  close(): void;
}

const CALL_LIMIT_MS = 20_000;
const STREAM_LIMIT_MS = 300_000;
/** How often a load balancer asks whether its servers are ready. */
const PROBE_MS = 100;
/** A header of calls that come from here, and not through one of the platform's own clients. */
export const DIRECT = "x-drill-direct";
const { CONFIRMED } = orderv1.OrderState;

export async function createDrillCustomer(platform: DrillPlatform): Promise<DrillCustomer> {
  const { clientTls: tls } = platform;
  const { targets } = platform.services;
  const orders = createClient(orderv1.OrderService, { target: targets.order, tls });
  const catalog = createClient(orderv1.CatalogService, { target: targets.order, tls });
  const payments = createClient(paymentv1.PaymentService, { target: targets.payment, tls });
  const users = createClient(userv1.UserService, { target: targets.user, tls });
  const sessions = createClient(userv1.SessionService, { target: targets.user, tls });
  const clients = [orders, catalog, payments, users, sessions];

  const account = { email: `drill-${randomUUID()}@drill.example`, password: randomUUID() };
  await users.createUser({ requestId: randomUUID(), displayName: "Drill", ...account }, { timeoutMs: CALL_LIMIT_MS });
  const { accessToken } = await sessions.createSession(account, { timeoutMs: CALL_LIMIT_MS });
  const authorization = `Bearer ${accessToken}`;
  const { products } = await catalog.listProducts({}, { timeoutMs: CALL_LIMIT_MS });
  const items = [{ productId: products[0]?.id ?? "", quantity: 1 }];
  const me = () => ({ metadata: createMetadata({ authorization }), timeoutMs: CALL_LIMIT_MS });
  const direct = () => ({ ...me(), metadata: createMetadata({ authorization, [DIRECT]: "1" }) });
  const balancer = createBalancer(platform.gateways);

  /** Placed by a method that takes two seconds, so that there are some to watch at every moment. */
  async function place(): Promise<string> {
    const { order } = await orders.createOrder({ requestId: randomUUID(), items, paymentMethod: "pm_slow" }, me());
    return order?.id ?? "";
  }

  async function watch(caller: Caller): Promise<void> {
    const orderId = await caller.answered(place);
    for (;;) {
      const { stream, first } = await caller.answered(async () => {
        const stream = orders.watchOrder({ orderId }, { ...me(), timeoutMs: STREAM_LIMIT_MS })[Symbol.asyncIterator]();
        return { stream, first: await stream.next() };
      });
      try {
        for (let next = first; !next.done; next = await stream.next()) {
          if (next.value.order?.state === CONFIRMED) return;
        }
      } catch (error) {
        // The one end of a stream that its client need not tell anybody: it goes on elsewhere.
        if (!(error instanceof StatusError && error.code === "UNAVAILABLE")) await caller.answered(failing(error));
      }
      caller.resumes();
    }
  }

  async function ask(path: string, limitMs = CALL_LIMIT_MS): Promise<Response> {
    const answer = await fetch(`${balancer.next()}${path}`, {
      headers: { authorization, accept: "application/x-ndjson, application/json" },
      signal: AbortSignal.timeout(limitMs),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return answer;
  }

  async function watchByRest(caller: Caller): Promise<void> {
    const orderId = await caller.answered(place);
    for (;;) {
      const answer = await caller.answered(() => ask(`/v1/orders/${orderId}:watch`, STREAM_LIMIT_MS));
      let seen = "";
      try {
        for await (const part of answer.body ?? []) {
          seen += Buffer.from(part).toString();
          if (seen.includes("ORDER_STATE_CONFIRMED")) return;
        }
      } catch (error) {
        if (seen === "") await caller.answered(failing(error));
      }
      caller.resumes();
    }
  }

  const calls: Record<string, (caller: Caller) => Promise<unknown>> = {
    ListProducts: (caller) => caller.answered(() => catalog.listProducts({ pageSize: 5 }, me())),
    ListOrders: (caller) => caller.answered(() => orders.listOrders({ pageSize: 5 }, me())),
    ListPayments: (caller) => caller.answered(() => payments.listPayments({ pageSize: 5 }, direct())),
    GetMe: (caller) => caller.answered(() => users.getMe({}, me())),
    "GET /v1/products": (caller) => caller.answered(async () => (await ask("/v1/products?page_size=5")).text()),
    "GET /v1/payments": (caller) => caller.answered(async () => (await ask("/v1/payments?page_size=5")).text()),
    "GET /v1/me": (caller) => caller.answered(async () => (await ask("/v1/me")).text()),
    WatchOrder: watch,
    "GET :watch": watchByRest,
  };
  /** How many do each. Most streams, because only those that are open at the moment show anything. */
  const counts: Record<string, number> = { WatchOrder: 8, "GET :watch": 4 };
  const withGateways = ([name]: [string, unknown]) => platform.gateways.length > 0 || !name.startsWith("GET ");
  return {
    lanes: Object.entries(calls)
      .filter(withGateways)
      .flatMap(([name, call]) =>
        Array.from({ length: counts[name] ?? 2 }, () => ({
          name,
          work: async (caller: Caller) => void (await call(caller)),
        })),
      ),
    close() {
      balancer.close();
      for (const client of clients) client.close();
    },
  };
}

/** A call that fails once with what a stream failed with, so that it is counted. */
function failing(error: unknown): () => Promise<void> {
  let told = false;
  return async () => {
    if (told) return;
    told = true;
    throw error;
  };
}

/** What stands before gateways: gives each its turn that says that it is ready. */
function createBalancer(gateways: readonly GatewayProcess[]) {
  const ready = new Set(gateways);
  let turn = 0;
  const timers = gateways.map((gateway) =>
    setInterval(async () => {
      if (await gateway.isReady().catch(() => false)) ready.add(gateway);
      else ready.delete(gateway);
    }, PROBE_MS),
  );
  return {
    next(): string {
      // Where none answers in time the machine is busy: then all are as good.
      const those = ready.size > 0 ? [...ready] : gateways;
      turn += 1;
      return those[turn % those.length]?.url ?? "";
    },
    close() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
