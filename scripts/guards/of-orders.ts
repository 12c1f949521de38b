import type { Guard } from "./guard.ts";

const QUEUE = "services/order/src/saga/postgres-order-queue.ts";
const ORDER = "services/order/src/order";

/** An order is driven by one, along its way, and gives back no more than it has. */
export const orderGuards: readonly Guard[] = [
  {
    name: "the orders of a worker that died are taken over",
    file: QUEUE,
    on: "and (lease_until is null or lease_until < now() or",
    off: "and (lease_until is null or",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "of workers that look at once each claims other orders",
    file: QUEUE,
    on: "for update skip locked",
    off: "",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "a claim of a clock that was wrong binds nobody",
    file: QUEUE,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template.
    on: " or lease_until > ${after(LONGEST_WAIT_MS)}",
    off: "",
    tests: "services/order/src/order-storage",
  },
  {
    name: "an order whose request for money may have left does not end as if none had",
    file: "services/order/src/saga/order-saga.ts",
    on: "if (!order.paymentAsked) return endUnasked(order);",
    off: "if (order.paymentId === undefined) return endUnasked(order);",
    tests: "services/order/src/saga/order-saga.test",
  },
  {
    name: "who lost the claim of an order changes nothing",
    file: QUEUE,
    on: '.updateTable("orders").where("id", "=", id).where("claimed_by", "=", claim)',
    off: '.updateTable("orders").where("id", "=", id)',
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "who knows an older version of an order changes nothing",
    file: QUEUE,
    on: 'held(order, on).set(values).where("version", "=", order.version)',
    off: "held(order, on).set(values)",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "an order's refunds under way count as given back",
    file: `${ORDER}-service.ts`,
    on: "total.minor - refunded.minor - refunding.minor",
    off: "total.minor - refunded.minor",
    tests: `${ORDER}-refunds.test`,
  },
  {
    name: "an order moves along its edges only",
    file: "services/order/src/migrations/0002-orders.sql",
    on: "if new.state <> old.state",
    off: "if false",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "an order changes by its next version only",
    file: "services/order/src/migrations/0002-orders.sql",
    on: "if new.version <> old.version + 1 then",
    off: "if false then",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "no more of an order is set aside to be given back than is left",
    file: "services/order/src/migrations/0003-refunds.sql",
    on: "refunding_minor <= total_minor - refunded_minor",
    off: "true",
    tests: `${ORDER}-refunds.test`,
  },
  {
    name: "a refund that the order asked for itself is not taken for somebody else's",
    file: `${ORDER}-follow-service.ts`,
    on: " - order.refunding.minor : 0n",
    off: " : 0n",
    tests: `${ORDER}-follow.test`,
  },
];
