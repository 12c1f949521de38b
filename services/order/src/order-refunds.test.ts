import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Order } from "./order.ts";
import { createOrderWorld } from "./order-fixture.ts";

let world: Awaited<ReturnType<typeof createOrderWorld>>;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  world.payments.onMoment = () => {};
});

const TOTAL = 3998n;

async function confirmed(): Promise<Order> {
  const { id } = await world.place();
  await world.work();
  return world.read(id);
}

/** What the card has back. */
const refundedOf = ({ id }: { id: string }) => world.payments.accounts.get(id)?.refundedMinor;

const minor = (amount: bigint) => ({ currency: "EUR", minor: amount });

test("a part is set aside at once and given back by the worker, and the order stays confirmed", async () => {
  const { id, version } = await confirmed();
  const asked = { state: "CONFIRMED", refunded: minor(0n), refunding: minor(1000n), version: version + 1n };
  expect(await world.refund(id, 1000n)).toMatchObject(asked);
  expect(await world.read(id)).toMatchObject(asked);
  await world.work();
  const done = { state: "CONFIRMED", refunded: minor(1000n), refunding: minor(0n), version: version + 2n };
  expect(await world.read(id)).toMatchObject(done);
  expect(refundedOf({ id })).toBe(1000n);
  expect(await world.queue.claim(1)).toEqual([]);
});

test("the whole, at once or as the last of several parts, makes it refunded", async () => {
  const parts = await confirmed();
  await world.refund(parts.id, 1000n);
  await world.refund(parts.id, 1000n);
  expect(await world.refund(parts.id, 1998n)).toMatchObject({ state: "REFUNDING", refunding: minor(TOTAL) });
  const whole = await confirmed();
  expect(await world.refund(whole.id, TOTAL)).toMatchObject({ state: "REFUNDING" });
  await world.work();
  for (const { id } of [parts, whole]) {
    expect(await world.read(id)).toMatchObject({ state: "REFUNDED", refunded: minor(TOTAL), refunding: minor(0n) });
    expect(refundedOf({ id })).toBe(TOTAL);
  }
});

test("18: of fifty refunds at once no more are taken than was paid, and those are given back", async () => {
  const { id } = await confirmed();
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => world.refund(id, 300n)));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(13);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ reason: "AMOUNT_EXCEEDS_CAPTURED" });
  }
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "CONFIRMED", refunded: minor(3900n), refunding: minor(0n) });
  expect(refundedOf({ id })).toBe(3900n);
});

for (const [what, amount, code, reason] of [
  ["more than was paid", TOTAL + 1n, "FAILED_PRECONDITION", "AMOUNT_EXCEEDS_CAPTURED"],
  ["so much that it would overflow", 2n ** 63n - 1n, "FAILED_PRECONDITION", "AMOUNT_EXCEEDS_CAPTURED"],
  ["nothing", 0n, "INVALID_ARGUMENT", undefined],
  ["a negative amount", -1n, "INVALID_ARGUMENT", undefined],
] as const) {
  test(`a refund of ${what} is refused and changes nothing`, async () => {
    const { id } = await confirmed();
    await world.refund(id, 1n);
    const before = await world.read(id);
    await expect(world.refund(id, amount)).rejects.toMatchObject({ code, ...(reason && { reason }) });
    expect(await world.read(id)).toEqual(before);
    await world.work();
  });
}

for (const [what, make] of [
  ["is not paid yet", () => world.place()],
  ["failed", async () => finished(await world.place({ paymentMethod: "pm_declined" }))],
  ["was cancelled before it was paid", async () => finished(await world.cancel((await world.place()).id))],
] as const) {
  test(`an order that ${what} has nothing to give back`, async () => {
    const { id } = await make();
    const refused = { code: "FAILED_PRECONDITION", reason: "PAYMENT_STATE_CONFLICT" };
    await expect(world.refund(id, 1n)).rejects.toMatchObject(refused);
    await world.work();
  });
}

async function finished(order: Order): Promise<Order> {
  await world.work();
  return order;
}

test("an order that is cancelled gives all of it back, and nothing more can be asked for", async () => {
  const { id } = await confirmed();
  await world.refund(id, 1000n);
  expect(await world.cancel(id)).toMatchObject({ state: "REFUNDING" });
  await expect(world.refund(id, 1n)).rejects.toMatchObject({ reason: "AMOUNT_EXCEEDS_CAPTURED" });
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "REFUNDED", refunded: minor(TOTAL), refunding: minor(0n) });
  expect(refundedOf({ id })).toBe(TOTAL);
});

for (const phase of ["before", "after"] as const) {
  for (const amount of [1000n, TOTAL]) {
    test(`25, 30: a worker that dies ${phase} a refund of ${amount} had its effect is succeeded, and it has it once`, async () => {
      const { id } = await confirmed();
      await world.refund(id, amount);
      once(phase, () => {
        throw new Error("lost");
      });
      await expect(world.work()).rejects.toThrow("lost");
      await world.passLeases();
      await world.work();
      expect(refundedOf({ id })).toBe(amount);
      const state = amount === TOTAL ? "REFUNDED" : "CONFIRMED";
      expect(await world.read(id)).toMatchObject({ state, refunded: minor(amount), refunding: minor(0n) });
    });
  }
}

for (const [what, act, state, back] of [
  ["another refund", (id: string) => world.refund(id, 500n), "CONFIRMED", 1500n],
  ["a cancellation", (id: string) => world.cancel(id), "REFUNDED", TOTAL],
] as const) {
  test(`${what} that comes while one is under way is done after it`, async () => {
    const { id } = await confirmed();
    await world.refund(id, 1000n);
    once("after", () => act(id));
    await world.work();
    expect(await world.read(id)).toMatchObject({ state, refunded: minor(back), refunding: minor(0n) });
    expect(refundedOf({ id })).toBe(back);
  });
}

test("a worker that was thought dead and comes back late changes nothing", async () => {
  const { id } = await confirmed();
  await world.refund(id, 1000n);
  await world.refund(id, 500n);
  once("after", async () => {
    await world.passLeases();
    await world.work();
  });
  await world.work();
  expect(await world.read(id)).toMatchObject({ refunded: minor(1500n), refunding: minor(0n) });
  expect(refundedOf({ id })).toBe(1500n);
});

test("a refund that payments refuse is open, and is tried again", async () => {
  const { id } = await confirmed();
  await world.refund(id, 1000n);
  const { refund } = world.payments;
  world.payments.refund = async () => ({ id: "payment", state: "CAPTURED", refundedMinor: 0n });
  await expect(world.work())
    .rejects.toThrow(/was refused/)
    .finally(() => Object.assign(world.payments, { refund }));
  expect(await world.read(id)).toMatchObject({ refunded: minor(0n), refunding: minor(1000n) });
  await world.passLeases();
  await world.work();
  expect(refundedOf({ id })).toBe(1000n);
});

for (const [what, change] of [
  ["more set aside than is left", "refunding_minor = total_minor - refunded_minor + 1"],
  ["less than nothing set aside", "refunding_minor = -1"],
  [
    "something set aside in an order that is not paid",
    "state = 'FAILED', failure_reason = 'x', failure_message = '', refunding_minor = 1",
  ],
] as const) {
  test(`the database refuses ${what}`, async () => {
    const { id } = what.includes("not paid") ? await world.place() : await confirmed();
    const statement = sql.raw(`update orders set ${change}, version = version + 1 where id = '${id}'`);
    await expect(statement.execute(world.db)).rejects.toThrow(/orders_refunding/);
    await world.work();
  });
}

/** Something that happens once, at one moment of a refund. */
function once(phase: "before" | "after", act: () => unknown): void {
  world.payments.onMoment = async (moment) => {
    if (moment.step !== "refund" || moment.phase !== phase) return;
    world.payments.onMoment = () => {};
    await act();
  };
}
