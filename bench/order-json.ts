import * as orderv1 from "@tenon/contracts/order/v1";
import type { placeOrder } from "./served-work.ts";

type PlacedOrder = Omit<ReturnType<typeof placeOrder<bigint>>, "state"> & { state: orderv1.OrderState };
type Money = PlacedOrder["total"];

const STATES = Object.keys(orderv1.OrderState);

/** An order as protojson writes it, by hand, as whoever writes a route by hand has to. */
export const orderJson = (order: PlacedOrder) => ({
  id: order.id,
  userId: order.userId,
  items: order.items.map(({ productId, sku, name, quantity, unitPrice, amount }) => ({
    productId,
    sku,
    name,
    quantity,
    unitPrice: moneyJson(unitPrice),
    amount: moneyJson(amount),
  })),
  total: moneyJson(order.total),
  refunded: moneyJson(order.refunded),
  state: `ORDER_STATE_${STATES[order.state]}`,
  version: String(order.version),
  createTime: timeJson(order.createTime),
  updateTime: timeJson(order.updateTime),
  etag: order.etag,
});

const moneyJson = ({ currencyCode, units, nanos }: Money) => ({
  currencyCode,
  ...(units !== 0n && { units: String(units) }),
  ...(nanos !== 0 && { nanos }),
});

const timeJson = ({ seconds, nanos }: PlacedOrder["createTime"]): string =>
  new Date(Number(seconds) * 1000 + nanos / 1e6).toISOString();
