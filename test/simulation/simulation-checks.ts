import type { SimulatedOrder } from "@tenon/order/simulated";
import type { SimulatedPayment } from "@tenon/payment/simulated";
import type { SimulatedProcessor } from "@tenon/processor/simulated";

export interface Books {
  orders: ReturnType<SimulatedOrder["tables"]>;
  payments: ReturnType<SimulatedPayment["tables"]>;
  processor: ReturnType<SimulatedProcessor["log"]>;
}

type Stored<T> = T extends Map<string, infer Row> ? Row : never;
type StoredOrder = Stored<Books["orders"]["orders"]>;
type Payment = Stored<Books["payments"]["payments"]>;

/** Where each state leaves the money of an order, once everything has come to rest. Others are no places to rest. */
const RESTING: Record<string, (order: StoredOrder, payments: readonly Payment[]) => boolean> = {
  CONFIRMED: ({ total, refunded }, [payment, ...more]) =>
    more.length === 0 &&
    (payment?.state === "CAPTURED" || payment?.state === "PARTIALLY_REFUNDED") &&
    payment.capturedMinor === total.minor &&
    payment.refundedMinor === refunded.minor,
  REFUNDED: ({ total }, [payment, ...more]) =>
    more.length === 0 && payment?.state === "REFUNDED" && payment.refundedMinor === total.minor,
  CANCELLED: (_, payments) => payments.every(isFree),
  FAILED: (_, payments) => payments.every(isFree),
};

const isFree = ({ state, capturedMinor }: Payment): boolean =>
  capturedMinor === 0n && ["VOIDED", "EXPIRED", "DECLINED"].includes(state);

/** What is wrong, in words; nothing where the promise was kept. */
export function findViolations({ orders, payments, processor }: Books): string[] {
  const found: string[] = [];
  const must = (holds: boolean, what: string) => void (holds || found.push(what));
  const paymentsOf = Map.groupBy(payments.payments.values(), ({ orderId }) => orderId);

  for (const order of orders.orders.values()) {
    const its = paymentsOf.get(order.id) ?? [];
    const told = its.map(({ state }) => state).join(", ") || "none";
    must(RESTING[order.state]?.(order, its) ?? false, `order ${order.id} is ${order.state}, its payments: ${told}`);
    must(order.claim === undefined && order.refunding.minor === 0n, `order ${order.id} is still worked on`);
    const versions = [...orders.events.values()].filter(({ id }) => id === order.id).length;
    must(BigInt(versions) === order.version, `order ${order.id} has version ${order.version} and ${versions} events`);
  }
  must(orders.answers.size >= orders.orders.size, "an order was made that nobody asked for");

  for (const step of payments.steps.values()) {
    must(step.state !== "PENDING", `step ${step.kind} of payment ${step.paymentId} has no answer`);
  }
  for (const payment of payments.payments.values()) {
    const held = processor.authorizations.get(payment.authorizationId ?? "");
    const takenMinor = held?.state === "CAPTURED" ? held.amount.minor : 0n;
    const agrees = takenMinor === payment.capturedMinor && (held?.refundedMinor ?? 0n) === payment.refundedMinor;
    must(agrees, `payment ${payment.id} is ${payment.state}, the processor took ${takenMinor}`);
    must(held?.state !== "RESERVED", `payment ${payment.id} is ${payment.state}, its money is still reserved`);
  }
  const known = new Set([...payments.payments.values()].map(({ authorizationId }) => authorizationId));
  for (const { id } of processor.authorizations.values()) must(known.has(id), `nobody knows authorization ${id}`);

  const sums = new Map<string, bigint>();
  for (const { account, amountMinor } of [...payments.entries.values()].flatMap(({ postings }) => postings)) {
    sums.set(account, (sums.get(account) ?? 0n) + amountMinor);
  }
  const total = [...sums.values()].reduce((sum, minor) => sum + minor, 0n);
  must(total === 0n, `the ledger's sum is ${total}`);
  must((sums.get("CUSTOMER_HOLDS") ?? 0n) === 0n, "the ledger has holds that are none");
  must((sums.get("REFUNDS") ?? 0n) === 0n, "the ledger has refunds under way that are none");
  return found;
}
