import { testDatabase } from "@tenon/testing";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { Payment } from "./payment.ts";
import { createPayments, type Payments } from "./payment-fixture.ts";
import type { PaymentState } from "./payment-states.ts";
import type { Tables } from "./payment-tables.ts";
import { paymentMigrations } from "./server.ts";

const database = await testDatabase<Tables>({ migrations: paymentMigrations });
afterAll(() => database.close());

const TOTAL = 100n;

/** What a payment ought to be, told without the table that the rules read. */
interface Model {
  state: PaymentState;
  refunded: bigint;
  version: bigint;
}

interface Real {
  payments: Payments;
  id: string;
}

type Command = fc.AsyncCommand<Model, Real>;

/** A step that changes the model and the payment alike, or that is refused with `reason` and changes nothing. */
const step = (
  name: string,
  act: (real: Real) => Promise<Payment>,
  expected: (model: Model) => Model | string,
): Command => ({
  check: () => true,
  async run(model, real) {
    const before = await real.payments.get(real.id);
    const next = expected(model);
    if (typeof next === "string") {
      await expect(act(real)).rejects.toMatchObject({ reason: next });
      expect(await real.payments.get(real.id)).toEqual(before);
      return;
    }
    Object.assign(model, next);
    const after = await act(real);
    const capturedMinor = ["CAPTURED", "PARTIALLY_REFUNDED", "REFUNDED"].includes(model.state) ? TOTAL : 0n;
    expect(after).toMatchObject({
      state: model.state,
      version: model.version,
      capturedMinor,
      refundedMinor: model.refunded,
      refundingMinor: 0n,
    });
    expect(real.payments.processor.netMinor()).toBe(capturedMinor - model.refunded);
  },
  toString: () => name,
});

const capture = step(
  "capture",
  ({ payments, id }) => payments.capture(id),
  (model) =>
    model.state === "AUTHORIZED"
      ? { ...model, state: "CAPTURED", version: model.version + 2n }
      : "PAYMENT_STATE_CONFLICT",
);

const release = step(
  "void",
  ({ payments, id }) => payments.void(id),
  (model) =>
    model.state === "AUTHORIZED"
      ? { ...model, state: "VOIDED", version: model.version + 2n }
      : "PAYMENT_STATE_CONFLICT",
);

const refund = (minor: bigint) =>
  step(
    `refund ${minor}`,
    ({ payments, id }) => payments.refund(id, minor),
    (model) => {
      if (model.state === "AUTHORIZED" || model.state === "VOIDED") return "PAYMENT_STATE_CONFLICT";
      const refunded = model.refunded + minor;
      if (refunded > TOTAL) return "AMOUNT_EXCEEDS_CAPTURED";
      return { state: refunded === TOTAL ? "REFUNDED" : "PARTIALLY_REFUNDED", refunded, version: model.version + 1n };
    },
  );

test("17, 20: whatever is asked of a payment in whatever order, it is where the model is", async () => {
  const refunds = fc.oneof(fc.bigInt({ min: 1n, max: 60n }), fc.constant(TOTAL)).map(refund);
  const commands = fc.commands([fc.constant(capture), fc.constant(release), refunds], { maxCommands: 12 });
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      const payments = createPayments(database.db);
      const { id, version } = await payments.authorize({ minor: TOTAL });
      const model: Model = { state: "AUTHORIZED", refunded: 0n, version };
      await fc.asyncModelRun(() => ({ model, real: { payments, id } }), commands);
    }),
    { numRuns: 40 },
  );
});
