import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createOrderWorld } from "../order-fixture.ts";
import { requestId } from "./order-saga.ts";
import type { PaymentStep } from "./payments-fixture.ts";

let world: Awaited<ReturnType<typeof createOrderWorld>>;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  world.users.active = true;
  world.payments.onMoment = () => {};
});

/** Which requests arrived for an order, in their order. */
const requestsOf = (id: string) =>
  world.payments.requests
    .filter((request) => request.requestId === requestId({ id }, request.step))
    .map((request) => request.step);

test("an order is authorized, captured and confirmed, with a version for each change", async () => {
  const { id, total } = await world.place();
  await world.work();
  const account = world.payments.accounts.get(id);
  expect(account).toMatchObject({ state: "CAPTURED", charges: [total.minor] });
  expect(await world.read(id)).toMatchObject({ state: "CONFIRMED", version: 3n, paymentId: account?.id });
  expect(requestsOf(id)).toEqual(["authorize", "capture"]);
});

test("a declined payment fails the order with the processor's reason", async () => {
  const { id } = await world.place({ paymentMethod: "pm_declined" });
  await world.work();
  expect(await world.read(id)).toMatchObject({
    state: "FAILED",
    version: 2n,
    failure: { reason: "PAYMENT_DECLINED", message: "the payment was declined: broke" },
  });
});

test("31: the order of a user who is not active fails, and no money is asked for", async () => {
  const { id } = await world.place();
  world.users.active = false;
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "FAILED", failure: { reason: "USER_NOT_ACTIVE" } });
  expect(requestsOf(id)).toEqual([]);
});

test("31: a user who is blocked once money was asked for does not strand it: the order goes its way", async () => {
  const { id } = await world.place();
  failOnce("authorize", "after");
  await expect(world.work()).rejects.toThrow("lost");
  world.users.active = false;
  await world.passLeases();
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "CONFIRMED" });
});

test("a reservation that ran out before it was taken fails the order", async () => {
  const { id } = await world.place();
  world.payments.onMoment = ({ step, phase }) => {
    if (step === "capture" && phase === "before") world.payments.expire(id);
  };
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "FAILED", failure: { reason: "AUTHORIZATION_EXPIRED" } });
});

describe("cancelling", () => {
  test("before any money was asked for asks for none", async () => {
    const { id } = await world.place();
    expect(await world.cancel(id)).toMatchObject({ state: "CANCELLING", version: 2n });
    await world.work();
    expect(await world.read(id)).toMatchObject({ state: "CANCELLED", version: 3n });
    expect(requestsOf(id)).toEqual([]);
  });

  test("while the user is looked up asks for none", async () => {
    const { id } = await world.place();
    const isActive = world.users.isActive;
    world.users.isActive = async () => {
      await world.cancel(id);
      return true;
    };
    await world.work().finally(() => {
      world.users.isActive = isActive;
    });
    expect(await world.read(id)).toMatchObject({ state: "CANCELLED" });
    expect(requestsOf(id)).toEqual([]);
  });

  test("while the authorization is under way keeps the payment's id and releases it", async () => {
    const { id } = await world.place();
    during("authorize", "after", () => world.cancel(id));
    await world.work();
    expect(await world.read(id)).toMatchObject({
      state: "CANCELLED",
      version: 4n,
      paymentId: world.payments.accounts.get(id)?.id,
    });
    expect(world.payments.accounts.get(id)).toMatchObject({ state: "VOIDED", charges: [] });
  });

  test("after the authorization's answer was lost learns the payment by the same request, and releases it", async () => {
    const { id } = await world.place();
    failOnce("authorize", "after");
    await expect(world.work()).rejects.toThrow("lost");
    await world.cancel(id);
    await world.passLeases();
    await world.work();
    expect(await world.read(id)).toMatchObject({ state: "CANCELLED" });
    expect(world.payments.accounts.get(id)).toMatchObject({ state: "VOIDED", charges: [] });
    expect(requestsOf(id)).toEqual(["authorize", "authorize", "release"]);
  });

  test("while the authorization is declined ends it cancelled, not failed", async () => {
    const { id } = await world.place({ paymentMethod: "pm_declined" });
    during("authorize", "after", () => world.cancel(id));
    await world.work();
    expect(await world.read(id)).toMatchObject({ state: "CANCELLED", failure: undefined });
  });

  test("28: while the capture is under way gives the money back where the capture wins", async () => {
    const { id, total } = await world.place();
    during("capture", "before", () => world.cancel(id));
    await world.work();
    expect(await world.read(id)).toMatchObject({ state: "REFUNDED", refunded: total });
    expect(world.payments.accounts.get(id)).toMatchObject({ refundedMinor: total.minor, charges: [total.minor] });
  });

  test("28: before a capture that a dead worker's request brings late takes nothing where the release wins", async () => {
    const { id } = await world.place();
    let finishLate = () => {};
    during("capture", "before", () => new Promise<void>((resolve) => (finishLate = resolve)));
    const late = world.work();
    await expect.poll(() => world.read(id)).toMatchObject({ state: "AUTHORIZED" });
    await world.cancel(id);
    await world.passLeases();
    world.payments.onMoment = () => {};
    await world.work();
    expect(await world.read(id)).toMatchObject({ state: "CANCELLED", version: 4n });
    finishLate();
    await late;
    expect(await world.read(id)).toMatchObject({ state: "CANCELLED", version: 4n });
    expect(world.payments.accounts.get(id)).toMatchObject({ state: "VOIDED", charges: [] });
  });

  test("of a confirmed order gives all of it back", async () => {
    const { id, total } = await world.place();
    await world.work();
    expect(await world.cancel(id)).toMatchObject({ state: "REFUNDING", version: 4n });
    await world.work();
    expect(await world.read(id)).toMatchObject({ state: "REFUNDED", refunded: total, version: 5n });
  });
});

const CRASHES = (["authorize", "capture", "release", "refund"] as const).flatMap((step) =>
  (["before", "after"] as const).map((phase) => ({ step, phase })),
);

for (const { step, phase } of CRASHES) {
  test(`a worker that dies ${phase} ${step} had its effect is succeeded by one that has it once`, async () => {
    const { id, total } = await world.place();
    if (step === "release") during("authorize", "after", () => world.cancel(id));
    if (step === "refund") during("capture", "after", () => world.cancel(id));
    failOnce(step, phase);
    await expect(world.work()).rejects.toThrow("lost");
    await world.passLeases();
    await world.work();
    const [state, charges] = step === "release" ? ["CANCELLED", []] : ["CONFIRMED", [total.minor]];
    expect(await world.read(id)).toMatchObject({ state: step === "refund" ? "REFUNDED" : state });
    expect(world.payments.accounts.get(id)).toMatchObject({
      charges,
      refundedMinor: step === "refund" ? total.minor : 0n,
    });
  });
}

test("request ids are the order's and the step's own, and stay the same", () => {
  const order = { id: "019b76da-a800-7000-8000-000000000001" };
  expect(requestId(order, "authorize")).toBe(requestId(order, "authorize"));
  const steps = ["authorize", "capture", "release", "refund"] as const;
  expect(new Set(steps.map((step) => requestId(order, step))).size).toBe(steps.length);
});

/** Something that happens once, at one moment of a request. */
function during(step: PaymentStep, phase: "before" | "after", act: () => unknown): void {
  const before = world.payments.onMoment;
  let done = false;
  world.payments.onMoment = async (moment) => {
    await before(moment);
    if (done || moment.step !== step || moment.phase !== phase) return;
    done = true;
    await act();
  };
}

function failOnce(step: PaymentStep, phase: "before" | "after"): void {
  during(step, phase, () => {
    throw new Error(`lost ${phase} ${step}`);
  });
}
