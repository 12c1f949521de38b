import type { Guard } from "./guard.ts";

const STORE = "services/payment/src/payment-repository.ts";
const PAYMENTS = "services/payment/src/migrations/0001-payments.sql";
const RULES = "services/payment/src/payment-service";
const STEPS = "services/payment/src/payment-guards";
const COMPARED = "services/payment/src/reconciliation/";
const PROCESSOR = "services/processor/src/processor-";

/** A payment is made and taken once, here and at the processor, in exact amounts. */
export const paymentGuards: readonly Guard[] = [
  {
    name: "an order has one payment that is not declined",
    file: PAYMENTS,
    on: "create unique index payments_one_alive",
    off: "create index payments_one_alive",
    tests: RULES,
  },
  {
    name: "a request id makes one step of a kind for ever",
    file: PAYMENTS,
    on: "constraint steps_request unique (kind, request_id)",
    off: "constraint steps_request check (true)",
    tests: STEPS,
  },
  {
    name: "a payment is authorized, taken and released by one step each",
    file: PAYMENTS,
    on: "create unique index steps_once",
    off: "create index steps_once",
    tests: STEPS,
  },
  {
    name: "the whole amount is taken, and no more",
    file: PAYMENTS,
    on: "captured_minor = case when",
    off: "captured_minor >= 0 or 0 = case when",
    tests: STEPS,
  },
  {
    name: "no more is given back than was taken",
    file: PAYMENTS,
    on: "refunding_minor <= captured_minor - refunded_minor",
    off: "true",
    tests: STEPS,
  },
  {
    name: "a payment moves along its edges only",
    file: STORE,
    on: '        .where("state", "in", statesBefore(state));',
    off: "        ;",
    tests: "services/payment/src/payment-storage",
  },
  {
    name: "a payment is locked while it is decided about",
    file: STORE,
    on: '.where("id", "=", id).forUpdate()',
    off: '.where("id", "=", id)',
    tests: "services/payment/src/payment-races",
  },
  {
    name: "an answer of the processor is written once",
    file: STORE,
    on: '        .where("id", "=", id)\n        .where("state", "=", "PENDING")',
    off: '        .where("id", "=", id)',
    tests: RULES,
  },
  {
    name: "refunds under way count as given back",
    file: "services/payment/src/payment-service.ts",
    on: "  capturedMinor - refundedMinor - refundingMinor;",
    off: "  capturedMinor - refundedMinor + 0n * refundingMinor;",
    tests: "services/payment/src/ledger/ledger-books",
  },
  {
    name: "a lease of a clock that was wrong keeps no step from being finished",
    file: STORE,
    on: 'eb("lease_expires_at", ">", leaseUntil(Number.POSITIVE_INFINITY))',
    off: 'eb("lease_expires_at", "<=", now)',
    tests: "services/payment/src/payment-storage",
  },
  {
    name: "the processor is asked again under the same reference",
    file: "services/payment/src/payment-driver.ts",
    on: "const { id: reference, kind, amount } = step;",
    off: "const { kind, amount } = step;\n    const reference = crypto.randomUUID();",
    tests: "services/payment/src/payment-crash",
  },
  {
    name: "a line of the statement about something else settles nothing",
    file: `${COMPARED}examiner.ts`,
    on: 'if (ours.step.state !== "PENDING" || factsDiffer(ours, line)) return undefined;',
    off: 'if (ours.step.state !== "PENDING") return undefined;',
    tests: `${COMPARED}callback`,
  },
  {
    name: "the processor answers a reference that it knows as it did before",
    file: `${PROCESSOR}service.ts`,
    on: "if (await log.append(wanted)) {",
    off: "if ((await log.append({ ...wanted, reference: newId() })) || true) {",
    tests: `${PROCESSOR}service.test`,
  },
  {
    name: "what the processor has taken or released it neither takes nor releases again",
    file: `${PROCESSOR}repository.ts`,
    on: '      .where("state", "=", "RESERVED")\n',
    off: "",
    tests: `${PROCESSOR}service.test`,
  },
  {
    name: "the processor gives back no more than it took",
    file: `${PROCESSOR}repository.ts`,
    on: '.where((row) => row(row("amount_minor", "-", row.ref("refunded_minor")), ">=", amountMinor))',
    off: "",
    tests: `${PROCESSOR}service.test`,
  },
  {
    name: "an amount finer than its currency is refused",
    file: "packages/money/src/google-money.ts",
    on: "if (BigInt(nanos) % nanosPerMinor !== 0n) {",
    off: "if (false) {",
    tests: "packages/money/src/money",
  },
  {
    name: "an amount that no int64 holds is refused",
    file: "packages/money/src/money.ts",
    on: "if (minor > MAX_MINOR || minor < -MAX_MINOR - 1n) throw",
    off: "if (minor > MAX_MINOR * MAX_MINOR) throw",
    tests: "packages/money/src/money",
  },
];
