import * as orderv1 from "@tenon/contracts/order/v1";
import { type Once, type Paging, withSignal } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { type Call, type Handlers, type Implementation, implement } from "@tenon/grpc";
import { principalOf } from "@tenon/interceptors";
import { toMinor } from "@tenon/money";
import type { Kysely } from "kysely";
import type { Caller, OrderService } from "./order-service.ts";
import { type OrderState, orderStateNames } from "./order-states.ts";
import type { Tables } from "./order-tables.ts";
import { toWire } from "./order-wire.ts";

export interface OrderHandlerOptions {
  db: Kysely<Tables>;
  /** The rules on a database or in a transaction of it. */
  service: (db: Kysely<Tables>) => OrderService;
  once: Once<Tables>;
  paging: Paging;
}

export function createOrderHandler(options: OrderHandlerOptions): Implementation {
  const { db, service, once, paging } = options;
  const reading = (call: Call) => service(withSignal(db, call.signal));

  return implement(orderv1.OrderService, {
    createOrder: (request, call) =>
      once(call, request, orderv1.CreateOrderResponseSchema, async (tx) => {
        const { items: lines, paymentMethod } = request;
        const order = await service(tx).createOrder({ userId: callerOf(call).userId, lines, paymentMethod });
        return { order: toWire(order) };
      }),

    getOrder: async ({ orderId }, call) => ({ order: toWire(await reading(call).getOrder(orderId, callerOf(call))) }),

    async listOrders(request, call) {
      const caller = callerOf(call);
      const filter = { state: fromWireState(request.state) };
      const list = { method: call.method.path, ...caller, ...filter };
      const orders = await reading(call).listOrders(filter, caller, paging.toPage(request, list));
      return { orders: orders.items.map(toWire), nextPageToken: paging.toToken(orders, list) };
    },

    cancelOrder: (request, call) =>
      once(call, request, orderv1.CancelOrderResponseSchema, async (tx) => ({
        order: toWire(await service(tx).cancelOrder(request.orderId, callerOf(call))),
      })),

    refundOrder(request, call) {
      const amount = toMinor(request.amount);
      return once(call, request, orderv1.RefundOrderResponseSchema, async (tx) => ({
        order: toWire(await service(tx).refundOrder(request.orderId, callerOf(call), amount)),
      }));
    },

    async *watchOrder({ orderId, afterVersion }, call) {
      const watched = reading(call).watchOrder(orderId, callerOf(call), { afterVersion, signal: call.signal });
      for await (const order of watched) yield { order: toWire(order) };
    },
  } satisfies Handlers<typeof orderv1.OrderService>);
}

/** The contract lets users in only; what gets here without one is refused all the same. */
function callerOf(call: Call): Caller {
  const principal = principalOf(call);
  if (principal.kind === "user") return { userId: principal.id, isAdmin: principal.role === "admin" };
  throw new StatusError("PERMISSION_DENIED", "orders are for users", { reason: "NOT_ALLOWED" });
}

const fromWireState = (state: orderv1.OrderState): OrderState | undefined =>
  orderStateNames.find((name) => orderv1.OrderState[name] === state);
