import * as orderv1 from "@tenon/contracts/order/v1";
import { type NewEvent, toEvent } from "@tenon/events";
import type { Order } from "./order.ts";
import { toWire } from "./order-wire.ts";

/** What others are told of a version of an order. Its items never change: they are told with the first one. */
export function toOrderEvent(order: Omit<Order, "items"> & Partial<Pick<Order, "items">>): NewEvent {
  const items = order.version === 1n ? (order.items ?? []) : [];
  const fact = { aggregateId: order.id, version: order.version, at: order.updatedAt };
  return toEvent(orderv1.OrderEventSchema, fact, { order: toWire({ ...order, items }) });
}
