import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as orderv1 from "@tenon/contracts/order/v1";
import { fromMinor } from "@tenon/money";
import type { Order, OrderItem } from "./order.ts";

/** An order as callers see it. */
export const toWire = (order: Order): orderv1.Order =>
  create(orderv1.OrderSchema, {
    id: order.id,
    userId: order.userId,
    items: order.items.map(toWireItem),
    total: fromMinor(order.total),
    refunded: fromMinor(order.refunded),
    refunding: fromMinor(order.refunding),
    state: orderv1.OrderState[order.state],
    version: order.version,
    paymentId: order.paymentId ?? "",
    ...(order.failure && { failure: order.failure }),
    createTime: timestampFromDate(order.createdAt),
    updateTime: timestampFromDate(order.updatedAt),
    etag: String(order.version),
  });

const toWireItem = ({ unitPrice, amount, ...item }: OrderItem) => ({
  ...item,
  unitPrice: fromMinor(unitPrice),
  amount: fromMinor(amount),
});
