import { expect, test } from "vitest";
import { newPayment, type Payment, type Step, type StepKind } from "../payment.ts";
import { disagreements, type OurSide } from "./compare.ts";
import type { StatementLine } from "./statement.ts";

const [PAYMENT_ID, AUTHORIZATION, REFERENCE] = ["payment", "authorization", "reference"];
const amount = { currency: "USD", minor: 1000n };
const facts = { id: PAYMENT_ID, orderId: "order", userId: "user", amount, paymentMethod: null, createdAt: new Date(0) };

type Booked = OurSide["booked"][number]["movement"];

function ours(kind: StepKind, state: Step["state"], booked: Booked[], payment: Partial<Payment> = {}): OurSide {
  const step = { id: REFERENCE, paymentId: PAYMENT_ID, kind, requestId: "request", amount, state, attempts: 0 };
  return {
    step,
    payment: { ...newPayment(facts), authorizationId: AUTHORIZATION, ...payment },
    booked: booked.map((movement) => ({ movement, amount })),
    createdAt: new Date(0),
  };
}

const line = (kind: StepKind, change: Partial<StatementLine> = {}): StatementLine => ({
  transactionId: kind === "AUTHORIZE" ? AUTHORIZATION : "transaction",
  reference: REFERENCE,
  kind,
  state: "APPROVED",
  authorizationId: kind === "AUTHORIZE" ? null : AUTHORIZATION,
  amount,
  declineReason: "",
  ...change,
});
const declined = line("AUTHORIZE", { state: "DECLINED", transactionId: "other", declineReason: "card_declined" });
const nothing = undefined;
const unreserved = { authorizationId: null };

for (const [what, our, their] of [
  ["a reservation", ours("AUTHORIZE", "DONE", ["HOLD"]), line("AUTHORIZE")],
  ["one that was voided while it was made", ours("AUTHORIZE", "REFUSED", ["HOLD"]), line("AUTHORIZE")],
  ["a declined one", ours("AUTHORIZE", "REFUSED", [], unreserved), declined],
  ["one that never arrived", ours("AUTHORIZE", "REFUSED", [], unreserved), nothing],
  ["a capture", ours("CAPTURE", "DONE", ["CAPTURE"]), line("CAPTURE")],
  ["a refused one", ours("CAPTURE", "REFUSED", ["RELEASE"]), nothing],
  ["a void", ours("VOID", "DONE", ["RELEASE"]), line("VOID")],
  ["a void of nothing", ours("VOID", "DONE", [], unreserved), nothing],
  ["a void of what had run out", ours("VOID", "REFUSED", ["RELEASE"], { state: "EXPIRED" }), nothing],
  ["a refund", ours("REFUND", "DONE", ["RESERVE_REFUND", "REFUND"]), line("REFUND")],
  ["a refused one", ours("REFUND", "REFUSED", ["RESERVE_REFUND", "CANCEL_REFUND"]), nothing],
  ["an open step", ours("REFUND", "PENDING", ["RESERVE_REFUND"]), nothing],
  ["an open step with its answer", ours("REFUND", "PENDING", ["RESERVE_REFUND"]), line("REFUND")],
  ["nothing", undefined, nothing],
  ["what was declined and nobody asked for", undefined, declined],
] as const) {
  test(`34: all three agree about ${what}`, () => expect(disagreements(our, their)).toEqual([]));
}

const capture = ours("CAPTURE", "DONE", ["CAPTURE"]);
const open = ours("CAPTURE", "PENDING", []);

for (const [what, our, their, kind] of [
  ["a transaction that nobody asked for", undefined, line("CAPTURE"), "TRANSACTION_UNKNOWN"],
  ["a capture that the processor has not", capture, nothing, "TRANSACTION_MISSING"],
  ["a reservation that the processor has not", ours("AUTHORIZE", "DONE", ["HOLD"]), nothing, "TRANSACTION_MISSING"],
  ["a refusal that was done", ours("CAPTURE", "REFUSED", ["RELEASE"]), line("CAPTURE"), "OUTCOME_DIFFERS"],
  ["a decline that was approved", ours("AUTHORIZE", "REFUSED", [], unreserved), line("AUTHORIZE"), "OUTCOME_DIFFERS"],
  ["an approval that was declined", ours("AUTHORIZE", "DONE", ["HOLD"]), declined, "OUTCOME_DIFFERS"],
  ["another amount", capture, line("CAPTURE", { amount: { currency: "USD", minor: 999n } }), "FACTS_DIFFER"],
  ["another currency", capture, line("CAPTURE", { amount: { currency: "JPY", minor: 1000n } }), "FACTS_DIFFER"],
  ["another kind", capture, line("VOID"), "FACTS_DIFFER"],
  ["another authorization", capture, line("CAPTURE", { authorizationId: "other" }), "FACTS_DIFFER"],
  [
    "a reservation by another name",
    ours("AUTHORIZE", "DONE", ["HOLD"]),
    line("AUTHORIZE", { transactionId: "other" }),
    "FACTS_DIFFER",
  ],
  [
    "an answer of another amount to an open step",
    open,
    line("CAPTURE", { amount: { ...amount, minor: 1n } }),
    "FACTS_DIFFER",
  ],
  ["a declined capture, which there is not", open, line("CAPTURE", { state: "DECLINED" }), "FACTS_DIFFER"],
  ["a capture that is not booked", ours("CAPTURE", "DONE", []), line("CAPTURE"), "BOOKS_DIFFER"],
  ["a capture booked as a release", ours("CAPTURE", "DONE", ["RELEASE"]), line("CAPTURE"), "BOOKS_DIFFER"],
  [
    "a refund booked twice",
    ours("REFUND", "DONE", ["RESERVE_REFUND", "REFUND", "REFUND"]),
    line("REFUND"),
    "BOOKS_DIFFER",
  ],
] as const) {
  test(`34: ${what} is ${kind}`, () => {
    expect(disagreements(our, their)).toEqual([{ kind, description: expect.any(String) }]);
  });
}

test("34: the description says what each side has", () => {
  const [found] = disagreements(capture, line("CAPTURE", { amount: { currency: "USD", minor: 999n } }));
  expect(found?.description).toBe(
    "asked for CAPTURE of 1000 minor units of USD of authorization authorization, " +
      "the processor has APPROVED CAPTURE of 999 minor units of USD of authorization authorization",
  );
});
