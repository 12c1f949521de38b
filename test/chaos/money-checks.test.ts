import { expect, test } from "vitest";
import type { PlacedOrder } from "./chaos-customer.ts";
import { findViolations } from "./money-checks.ts";
import type { MoneyFacts } from "./money-facts.ts";

type Mutable<T> = {
  -readonly [K in keyof T]: T[K] extends readonly (infer Row)[] ? { -readonly [C in keyof Row]: Row[C] }[] : T[K];
};

/** One order of 1000 that was paid, and of which 300 were given back. */
function sound(): { facts: Mutable<MoneyFacts>; placed: Mutable<PlacedOrder>[] } {
  const at = new Date("2026-01-01T00:00:00Z");
  const order = {
    id: "o",
    currency: "EUR",
    total: 1000n,
    refunded: 300n,
    refunding: 0n,
    version: 1n,
    paymentId: "p",
    isDue: false,
  };
  const payment = {
    id: "p",
    orderId: "o",
    currency: "EUR",
    amount: 1000n,
    captured: 1000n,
    refunded: 300n,
    version: 2n,
  };
  const step = (id: string, kind: string, amount: bigint) => ({ id, paymentId: "p", kind, amount, state: "DONE" });
  const transaction = (reference: string, kind: string, amount: bigint) => ({
    id: `t-${reference}`,
    reference,
    kind,
    state: "APPROVED",
    authorizationId: kind === "AUTHORIZE" ? null : "t-a",
    currency: "EUR",
    amount,
  });
  return {
    facts: {
      orders: [{ ...order, state: "CONFIRMED", createdAt: at, updatedAt: at }],
      refunds: [{ orderId: "o", amount: 300n, state: "DONE" }],
      users: [{ id: "u", state: "ACTIVE", version: 1n }],
      payments: [{ ...payment, state: "PARTIALLY_REFUNDED" }],
      steps: [step("a", "AUTHORIZE", 1000n), step("c", "CAPTURE", 1000n), step("r", "REFUND", 300n)],
      entries: [
        { stepId: "a", movement: "HOLD", amount: 1000n },
        { stepId: "c", movement: "CAPTURE", amount: 1000n },
        { stepId: "r", movement: "RESERVE_REFUND", amount: 300n },
        { stepId: "r", movement: "REFUND", amount: 300n },
      ],
      transactions: [
        transaction("a", "AUTHORIZE", 1000n),
        transaction("c", "CAPTURE", 1000n),
        transaction("r", "REFUND", 300n),
      ],
      events: [
        { aggregateId: "o", version: 1n, isPublished: true },
        { aggregateId: "u", version: 1n, isPublished: true },
        { aggregateId: "p", version: 1n, isPublished: true },
        { aggregateId: "p", version: 2n, isPublished: true },
      ],
      heard: [{ aggregateId: "p", version: 2n }],
      failedEvents: [],
      findings: [],
    },
    placed: [
      {
        id: "o",
        userId: "u",
        isAfterBlock: false,
        total: { currency: "EUR", minor: 1000n },
        paymentMethod: "pm_ok",
        placedAt: at.getTime(),
        isCancelled: false,
        refundsMinor: [300n],
      },
    ],
  };
}

const promisesOf = ({ facts, placed }: ReturnType<typeof sound>) =>
  findViolations(facts, placed).map((what) => what.slice(0, what.indexOf(":")));

test("sound books break no promise", () => {
  const { facts, placed } = sound();
  expect(findViolations(facts, placed)).toEqual([]);
});

type Change = (what: ReturnType<typeof sound>) => void;

const row = <T>(rows: T[], index = 0): T => rows[index] as T;

for (const [what, promises, change] of [
  ["an order that was answered is gone", ["1-9", "23", "30"], ({ facts }) => facts.orders.pop()],
  ["an order that nobody asked for", ["1-9"], ({ placed }) => placed.pop()],
  ["an order that does not rest", ["22"], ({ facts }) => Object.assign(row(facts.orders), { isDue: true })],
  ["a step without an answer", ["22"], ({ facts }) => Object.assign(row(facts.steps), { state: "PENDING" })],
  [
    "confirmed and not paid",
    ["23"],
    ({ facts }) => Object.assign(row(facts.payments), { state: "VOIDED", captured: 0n }),
  ],
  ["paid and failed", ["23", "24"], ({ facts }) => Object.assign(row(facts.orders), { state: "FAILED" })],
  ["paid in part", ["23"], ({ facts }) => Object.assign(row(facts.payments), { captured: 900n })],
  ["paid twice", ["23", "36, 41", "36, 39"], ({ facts }) => facts.payments.push({ ...row(facts.payments), id: "p2" })],
  [
    "charged twice at the processor alone",
    ["24"],
    ({ facts }) => facts.transactions.push({ ...row(facts.transactions, 1), id: "t-x", reference: "x" }),
  ],
  [
    "charged twice under references of ours",
    ["24"],
    ({ facts }) => {
      facts.transactions.push({ ...row(facts.transactions, 1), id: "t-x", reference: "x" });
      facts.steps.push({ ...row(facts.steps, 1), id: "x" });
      facts.entries.push({ ...row(facts.entries, 1), stepId: "x" });
    },
  ],
  ["a refund that the processor does not know", ["24", "34"], ({ facts }) => facts.transactions.pop()],
  ["a refund that is not in the books", ["34"], ({ facts }) => facts.entries.pop()],
  [
    "money that stays reserved",
    ["24", "27"],
    ({ facts }) => facts.transactions.push({ ...row(facts.transactions), id: "t-x", reference: "x" }),
  ],
  ["cancelled and confirmed", ["28"], ({ placed }) => Object.assign(row(placed), { isCancelled: true })],
  ["a refund that was granted and lost", ["30"], ({ placed }) => row(placed).refundsMinor.push(1n)],
  ["a refund that was granted once and given twice", ["30"], ({ facts }) => facts.refunds.push(row(facts.refunds))],
  ["a change without its event", ["36, 41", "37, 38"], ({ facts }) => facts.events.pop()],
  ["an event told twice", ["36, 41"], ({ facts }) => facts.events.push(row(facts.events))],
  [
    "an event that was not delivered",
    ["36, 41"],
    ({ facts }) => Object.assign(row(facts.events), { isPublished: false }),
  ],
  ["an event that order never heard", ["36, 39"], ({ facts }) => facts.heard.pop()],
  [
    "a block that order never heard",
    ["36, 39"],
    ({ facts }) => {
      Object.assign(row(facts.users), { state: "BLOCKED", version: 2n });
      facts.events.push({ aggregateId: "u", version: 2n, isPublished: true });
    },
  ],
  ["paid by who was blocked", ["31"], ({ placed }) => Object.assign(row(placed), { isAfterBlock: true })],
  ["an event of what never was", ["36, 39", "37, 38"], ({ facts }) => Object.assign(row(facts.heard), { version: 9n })],
  ["an effect that failed", ["40"], ({ facts }) => facts.failedEvents.push({ id: "e", type: "T", error: "E" })],
  [
    "what the reconciler found",
    ["34"],
    ({ facts }) => facts.findings.push({ kind: "BOOKS_DIFFER", reference: "a", description: "D" }),
  ],
] satisfies [string, string[], Change][] as [string, string[], Change][]) {
  test(`seen: ${what}`, () => {
    const changed = sound();
    change(changed);
    expect([...new Set(promisesOf(changed))]).toEqual(promises);
  });
}
