import { testDatabase } from "@tenon/testing";
import fc from "fast-check";
import { sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import { afterAll, expect, test } from "vitest";
import { createPayments, type Payments } from "./payment-fixture.ts";
import type { PaymentState } from "./payment-states.ts";
import type { Tables } from "./payment-tables.ts";
import { paymentMigrations } from "./server.ts";

const database = await testDatabase<Tables>({ migrations: paymentMigrations });
afterAll(() => database.close());

const TOTAL = 100n;
const PAID: readonly PaymentState[] = ["CAPTURED", "PARTIALLY_REFUNDED", "REFUNDED"];

/** What a payment ought to be, told without the table that the rules read. */
interface Model {
  state: PaymentState;
  refunded: bigint;
  version: bigint;
}

interface Real {
  payments: Payments;
  orderId: string;
  id: string;
}

type Command = fc.AsyncCommand<Model, Real>;

/** All that is kept of a payment and of what happened to it. */
async function keptOf({ payments, id }: Real) {
  const { rows } = await sql<{ events: string; entries: string; steps: string }>`
    select (select string_agg(version::text, ',' order by version) from outbox where aggregate_id = ${id}) as events,
      (select count(*) from ledger_entries where payment_id = ${id}) as entries,
      (select count(*) from steps where payment_id = ${id}) as steps`.execute(database.db);
  return { payment: await payments.get(id), ...rows[0] };
}

/** A step that changes the model and the payment alike, or that is refused with `reason` and changes nothing. */
const step = (
  name: string,
  act: (real: Real) => Promise<unknown>,
  expected: (model: Model) => Model | string,
): Command => ({
  check: () => true,
  async run(model, real) {
    const before = await keptOf(real);
    const next = expected(model);
    if (typeof next === "string") {
      const refused = { code: "FAILED_PRECONDITION", reason: next };
      await expect(act(real)).rejects.toMatchObject(refused);
      expect(await keptOf(real)).toEqual(before);
      return;
    }
    Object.assign(model, next);
    await act(real);
    const { payment, events } = await keptOf(real);
    const capturedMinor = PAID.includes(model.state) ? TOTAL : 0n;
    expect(payment).toMatchObject({
      state: model.state,
      version: model.version,
      capturedMinor,
      refundedMinor: model.refunded,
      refundingMinor: 0n,
    });
    expect(payment.updatedAt.getTime()).toBeGreaterThanOrEqual(before.payment.updatedAt.getTime());
    expect(events).toBe(Array.from({ length: Number(model.version) }, (_, index) => index + 1).join(","));
    expect(real.payments.processor.netMinor()).toBe(capturedMinor - model.refunded);
  },
  toString: () => name,
});

const conflict = "PAYMENT_STATE_CONFLICT";

/** A step that begins where the money is reserved and nowhere else, and makes two versions: asked, and answered. */
const fromAuthorized = (name: string, state: PaymentState, act: (real: Real) => Promise<unknown>) =>
  step(name, act, (model) =>
    model.state === "AUTHORIZED" ? { ...model, state, version: model.version + 2n } : conflict,
  );

const capture = fromAuthorized("capture", "CAPTURED", ({ payments, id }) => payments.capture(id));
const release = fromAuthorized("void", "VOIDED", ({ payments, id }) => payments.void(id));

const authorizeAgain = step(
  "authorize again",
  ({ payments, orderId }) => payments.authorize({ orderId, minor: TOTAL }),
  () => conflict,
);

/** By the worker, whom nobody answers: where there is nothing to give up it changes nothing. */
const expire = step(
  "expire",
  async ({ payments, id }) => {
    const before = new Date(Date.now() + 60_000);
    const work = await payments.store.atomically((tx) => payments.payments(tx).expire(id, before));
    if (work) await payments.driver.finish(work, new AbortController().signal);
  },
  (model) => (model.state === "AUTHORIZED" ? { ...model, state: "EXPIRED", version: model.version + 1n } : model),
);

const refund = (minor: bigint) =>
  step(
    `refund ${minor}`,
    ({ payments, id }) => payments.refund(id, minor),
    (model) => {
      if (!PAID.includes(model.state)) return conflict;
      const refunded = model.refunded + minor;
      if (refunded > TOTAL) return "AMOUNT_EXCEEDS_CAPTURED";
      return { state: refunded === TOTAL ? "REFUNDED" : "PARTIALLY_REFUNDED", refunded, version: model.version + 1n };
    },
  );

test("17, 20: whatever is asked of a payment in whatever order, it is where the model is, and what is refused leaves nothing", async () => {
  const refunds = fc.oneof(fc.bigInt({ min: 1n, max: 60n }), fc.constant(TOTAL)).map(refund);
  const others = [capture, release, authorizeAgain, expire].map((each) => fc.constant(each));
  const commands = fc.commands([...others, refunds], { maxCommands: 12 });
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      const payments = createPayments(database.db);
      const orderId = uuidv7();
      const { id, version } = await payments.authorize({ orderId, minor: TOTAL });
      const model: Model = { state: "AUTHORIZED", refunded: 0n, version };
      await fc.asyncModelRun(() => ({ model, real: { payments, orderId, id } }), commands);
    }),
    { numRuns: 40 },
  );
}, 60_000);

test("17, 20: of a payment that was declined nothing can be asked any more", async () => {
  const payments = createPayments(database.db);
  const orderId = uuidv7();
  const declined = payments.authorize({ orderId, paymentMethod: "pm_declined" });
  await expect(declined).rejects.toMatchObject({ reason: "PAYMENT_DECLINED" });
  const { items } = await payments.store.list({ size: 1, beforeId: undefined }, { orderId });
  const model: Model = { state: "DECLINED", refunded: 0n, version: 2n };
  const real = { payments, orderId, id: items[0]?.id ?? "" };
  for (const command of [capture, release, refund(1n), expire]) await command.run(model, real);
});
