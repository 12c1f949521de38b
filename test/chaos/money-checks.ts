import type { PlacedOrder } from "./chaos-customer.ts";
import {
  listUnheard,
  type MoneyFacts,
  type OrderFact,
  type PaymentFact,
  type StepFact,
  type TransactionFact,
} from "./money-facts.ts";

/** A promise of the platform, by its number, and what is found to break it. */
export interface MoneyCheck {
  readonly promise: string;
  find(facts: IndexedFacts): string[];
}

/** What was found, and what customers were told. */
export interface IndexedFacts extends MoneyFacts {
  readonly placed: readonly PlacedOrder[];
  readonly orderById: ReadonlyMap<string, OrderFact>;
  readonly paymentsByOrder: ReadonlyMap<string, readonly PaymentFact[]>;
  readonly stepById: ReadonlyMap<string, StepFact>;
  readonly transactionsByOrder: ReadonlyMap<string, readonly TransactionFact[]>;
}

const FINAL = ["CONFIRMED", "FAILED", "CANCELLED", "REFUNDED"];
const PAID = ["CONFIRMED", "REFUNDED"];
const TAKEN = ["CAPTURED", "PARTIALLY_REFUNDED", "REFUNDED"];

export const MONEY_CHECKS: readonly MoneyCheck[] = [
  {
    promise: "1-9: what was answered is there, once",
    find: ({ placed, orders, orderById }) => [
      ...placed.filter(({ id }) => !orderById.has(id)).map(({ id }) => `order ${id} was answered and is gone`),
      ...twice(placed.map(({ id }) => id)).map((id) => `order ${id} was the answer to two requests`),
      ...(orders.length > placed.length ? [`${placed.length} orders were answered, ${orders.length} are there`] : []),
    ],
  },
  {
    promise: "22: everything rests",
    find: ({ orders, steps }) => [
      ...orders
        .filter(({ state, isDue, refunding }) => isDue || refunding !== 0n || !FINAL.includes(state))
        .map(({ id, state }) => `order ${id} is still ${state}`),
      ...steps.filter(({ state }) => state === "PENDING").map(({ id, kind }) => `${kind} ${id} has no answer`),
    ],
  },
  {
    promise: "23: CONFIRMED where the whole total was taken, and only there",
    find: ({ orders, paymentsByOrder, payments, orderById }) => [
      ...orders.flatMap((order) => {
        const those = paymentsByOrder.get(order.id) ?? [];
        const taken = those.filter(({ state }) => TAKEN.includes(state));
        const right = taken.filter(
          ({ id, captured, amount, currency, refunded }) =>
            id === order.paymentId &&
            captured === order.total &&
            amount === order.total &&
            currency === order.currency &&
            refunded === order.refunded,
        );
        const expected = PAID.includes(order.state) ? 1 : 0;
        if (taken.length === expected && right.length === expected) return [];
        const found = those.map(({ state, captured, refunded }) => `${state} ${captured}-${refunded}`).join(", ");
        return [
          `order ${order.id} is ${order.state} ${order.total}-${order.refunded}, its payments: ${found || "none"}`,
        ];
      }),
      ...payments.filter(({ orderId }) => !orderById.has(orderId)).map(({ id }) => `payment ${id} has no order`),
    ],
  },
  {
    promise: "24: at most one net charge of an order, in the processor's log",
    find: ({ orders, transactionsByOrder, transactions, stepById }) => [
      ...orders.flatMap((order) => {
        const log = (transactionsByOrder.get(order.id) ?? []).filter(({ state }) => state === "APPROVED");
        const captures = log.filter(({ kind }) => kind === "CAPTURE");
        const net = sum(captures) - sum(log.filter(({ kind }) => kind === "REFUND"));
        const expected = PAID.includes(order.state) ? order.total - order.refunded : 0n;
        if (captures.length <= 1 && net === expected) return [];
        return [
          `order ${order.id} is ${order.state} and was charged ${captures.length} times, ${net} net of ${expected}`,
        ];
      }),
      ...transactions
        .filter(({ reference }) => !stepById.has(reference))
        .map(({ kind, reference }) => `the processor has ${kind} ${reference}, and payment never asked for it`),
    ],
  },
  {
    promise: "27: nothing stays reserved",
    find({ transactions }) {
      const ended = new Set(
        transactions.flatMap(({ kind, authorizationId }) => (kind === "REFUND" ? [] : authorizationId)),
      );
      return transactions
        .filter(({ kind, state, id }) => kind === "AUTHORIZE" && state === "APPROVED" && !ended.has(id))
        .map(({ reference }) => `AUTHORIZE ${reference} is neither taken nor released`);
    },
  },
  {
    promise: "28: what was promised to a canceller holds",
    find: ({ placed, orderById }) =>
      placed
        .filter(
          ({ id, isCancelled }) => isCancelled && !["CANCELLED", "REFUNDED"].includes(orderById.get(id)?.state ?? ""),
        )
        .map(({ id }) => `order ${id} was cancelled and is ${orderById.get(id)?.state}`),
  },
  {
    promise: "30: each refund that was granted is given once",
    find({ placed, refunds, orderById, users }) {
      const blocked = new Set(users.flatMap(({ id, state }) => (state === "BLOCKED" ? id : [])));
      const byOrder = Map.groupBy(refunds, ({ orderId }) => orderId);
      return placed.flatMap(({ id, userId, refundsMinor, isCancelled }) => {
        const given = (byOrder.get(id) ?? []).filter(({ state }) => state === "DONE").map(({ amount }) => amount);
        const order = orderById.get(id);
        const total = given.reduce((all, each) => all + each, 0n);
        const rest = order?.state === "REFUNDED" && (isCancelled || blocked.has(userId)) ? order.total - total : 0n;
        if (list(given) === list(refundsMinor) && order && order.refunded === total + rest) return [];
        return [
          `order ${id}: refunds of ${list(refundsMinor)} were granted, ${list(given)} given, ${order?.refunded} noted`,
        ];
      });
    },
  },
  {
    promise: "31: who is blocked pays for nothing that he orders then",
    find: ({ placed, orderById, paymentsByOrder }) =>
      placed
        .filter(({ id, isAfterBlock }) => {
          const isUnpaid = ["FAILED", "CANCELLED"].includes(orderById.get(id)?.state ?? "");
          return isAfterBlock && (!isUnpaid || paymentsByOrder.has(id));
        })
        .map(({ id }) => `order ${id} was placed after its user was blocked and is ${orderById.get(id)?.state}`),
  },
  {
    promise: "34: payments, ledger and the processor's log tell the same",
    find({ steps, entries, transactions }) {
      const booked = Map.groupBy(entries, ({ stepId }) => stepId);
      const logged = new Map(transactions.map((each) => [each.reference, each]));
      return steps.flatMap((step) => {
        const done = step.state === "DONE";
        const log = logged.get(step.id);
        const told = log?.state === "APPROVED" ? log.amount : 0n;
        const movement = MOVEMENTS[step.kind] ?? "";
        const inBooks = sum((booked.get(step.id) ?? []).filter((entry) => entry.movement === movement));
        // A step that lost to another one may have moved money all the same; its books say so.
        const expected = done && !(step.kind === "VOID" && told === 0n && inBooks === 0n) ? step.amount : inBooks;
        if (told === expected && inBooks === expected) return [];
        return [`${step.kind} ${step.id} is ${step.state} ${step.amount}, booked ${inBooks}, at the processor ${told}`];
      });
    },
  },
  {
    promise: "34: the reconciler has nothing to report",
    find: ({ findings }) => findings.map(({ kind, description }) => `${kind}: ${description}`),
  },
  {
    promise: "36, 41: each version has one event, and it was delivered",
    find({ orders, payments, users, events }) {
      const byAggregate = Map.groupBy(events, ({ aggregateId }) => aggregateId);
      return [...orders, ...payments, ...users].flatMap(({ id, version }) => {
        const told = (byAggregate.get(id) ?? []).toSorted((a, b) => Number(a.version - b.version));
        const isWhole = BigInt(told.length) === version && told.every((event, i) => event.version === BigInt(i + 1));
        if (isWhole && told.every(({ isPublished }) => isPublished)) return [];
        const versions = told.map((event) => `${event.version}${event.isPublished ? "" : " undelivered"}`);
        return [`${id} is of version ${version}, its events: ${versions.join(", ") || "none"}`];
      });
    },
  },
  {
    promise: "36, 39: what was told was heard",
    find: listUnheard,
  },
  {
    promise: "37, 38: nothing is heard that was not told",
    find({ heard, events }) {
      const told = new Set(events.map(({ aggregateId, version }) => `${aggregateId} ${version}`));
      return heard
        .filter(({ aggregateId, version }) => !told.has(`${aggregateId} ${version}`))
        .map(({ aggregateId, version }) => `order heard of version ${version} of ${aggregateId}`);
    },
  },
  {
    promise: "40: no effect of an event failed for good",
    find: ({ failedEvents }) => failedEvents.map(({ id, type, error }) => `${type} ${id}: ${error}`),
  },
];

/** By which movement a step of each kind is booked where it was done. */
const MOVEMENTS: Readonly<Record<string, string>> = {
  AUTHORIZE: "HOLD",
  CAPTURE: "CAPTURE",
  VOID: "RELEASE",
  REFUND: "REFUND",
};

/** Everything that breaks a promise. */
export function findViolations(facts: MoneyFacts, placed: readonly PlacedOrder[]): string[] {
  const stepById = new Map(facts.steps.map((step) => [step.id, step]));
  const paymentById = new Map(facts.payments.map((payment) => [payment.id, payment]));
  const orderIdOf = ({ reference }: TransactionFact) =>
    paymentById.get(stepById.get(reference)?.paymentId ?? "")?.orderId ?? "";
  const indexed: IndexedFacts = {
    ...facts,
    placed,
    stepById,
    orderById: new Map(facts.orders.map((order) => [order.id, order])),
    paymentsByOrder: Map.groupBy(facts.payments, ({ orderId }) => orderId),
    transactionsByOrder: Map.groupBy(facts.transactions, orderIdOf),
  };
  return MONEY_CHECKS.flatMap(({ promise, find }) => find(indexed).map((what) => `${promise}: ${what}`));
}

const sum = (items: readonly { amount: bigint }[]) => items.reduce((all, { amount }) => all + amount, 0n);

const list = (amounts: readonly bigint[]) => amounts.map(String).sort().join("+") || "nothing";

function twice(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
