import * as orderv1 from "@tenon/contracts/order/v1";
import { createSeededRandom } from "@tenon/testing";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type MoneyWorld, PATIENT, startMoneyWorld } from "./money-world.ts";

// Processes that are killed by kill -9, and ways between them that lose what is sent. After all of it everything has to come to
// rest, and what customers were told, orders, payments, books, events and the processor's own log are compared.
const LONG_TEST_MS = 90_000;
const PAID = ["AUTHORIZE", "CAPTURE"];

let world: MoneyWorld;
beforeAll(async () => {
  world = await startMoneyWorld();
}, 120_000);
afterAll(() => world?.[Symbol.asyncDispose](), 60_000);

for (const [number, when, answered] of [
  [7, "after", "gets what was done"],
  [8, "before", "does it"],
] as const) {
  test(
    `${number}, 25: order, payment and the processor killed ${when} their commits: who repeats ${answered}, and each thing is done once`,
    async () => {
      world.killAt({
        order: `order.place.${when}_commit`,
        payment: `payment.capture.${when}_commit`,
        processor: `processor.authorize.${when}_commit`,
      });
      const { order, replayed } = await world.place();
      expect(replayed).toBe(when === "after");
      await world.until(orderv1.OrderState.CONFIRMED, [order.id]);
      expect(new Set(world.reached.map(({ point }) => point))).toEqual(
        new Set([`order.place.${when}_commit`, `payment.capture.${when}_commit`, `processor.authorize.${when}_commit`]),
      );
      expect(await world.movements(order.id)).toEqual(PAID);
    },
    LONG_TEST_MS,
  );
}

test(
  "63: every process and the database killed at once: all that was answered is there, and is paid once",
  async () => {
    const placed = await Promise.all(Array.from({ length: 8 }, () => world.place()));
    const ids = placed.map(({ order }) => order.id);
    const starts = await world.killAll();
    // None ends because what it needs is away.
    expect(new Set(Object.values(starts))).toEqual(new Set([1]));
    await world.until(orderv1.OrderState.CONFIRMED, ids);
    for (const id of ids) expect(await world.movements(id)).toEqual(PAID);
  },
  LONG_TEST_MS,
);

test(
  "12: over ways that delay, cut and lose what is sent, whatever is sent again has one effect",
  async () => {
    const seed = Date.now() % 100_000;
    const random = createSeededRandom(seed);
    const enough = world.cuts() + 20;
    onTestFinished(() => world.spoilWays());
    world.spoilWays(() => {
      if (random.isOneIn(25)) return "lost";
      return random.isOneIn(10) ? { delayMs: random.between(1, 150) } : undefined;
    });
    while (world.cuts() < enough) {
      const placed = await Promise.all(Array.from({ length: 12 }, () => world.place()));
      const ids = placed.map(({ order }) => order.id);
      await world.until(orderv1.OrderState.CONFIRMED, ids);
      for (const id of ids) expect(await world.movements(id), `seed ${seed}`).toEqual(PAID);
    }
  },
  LONG_TEST_MS,
);

for (const when of ["before", "after"] as const) {
  test(
    `27: a late success whose processor is killed ${when} its commit, and after the cancellation, keeps nothing`,
    async () => {
      await world.setFaults({ lateRate: 1, lateBy: { nanos: 800_000_000 } });
      const asked = await world.callsOf("processor", "grpc_server_started_total", "Authorize");
      const { order } = await world.place();
      await expect
        .poll(() => world.callsOf("processor", "grpc_server_started_total", "Authorize"), PATIENT)
        .not.toEqual(asked);
      world.killAt({ processor: `processor.authorize.${when}_commit` });
      await world.cancel(order.id);
      await expect.poll(() => world.reached, PATIENT).toHaveLength(1);
      await world.until(orderv1.OrderState.CANCELLED, [order.id]);
      expect(await world.movements(order.id)).toEqual(["AUTHORIZE", "VOID"]);
    },
    LONG_TEST_MS,
  );
}

test(
  "24: two replicas of order drive their orders at once, and each order is driven by one",
  async () => {
    // More than one of them takes on at once.
    await world.setFaults({ delay: { nanos: 600_000_000 } });
    const [authorized, captured] = [await answered("AuthorizePayment"), await answered("CapturePayment")];
    const before = await asked();
    const placed = await Promise.all(Array.from({ length: 24 }, () => world.place()));
    const ids = placed.map(({ order }) => order.id);
    await world.until(orderv1.OrderState.CONFIRMED, ids);
    await world.setFaults();
    expect((await answered("AuthorizePayment")) - authorized).toBe(ids.length);
    expect((await answered("CapturePayment")) - captured).toBe(ids.length);
    for (const [index, calls] of (await asked()).entries()) expect(calls).toBeGreaterThan(before[index] ?? 0);
  },
  LONG_TEST_MS,
);

test(
  "25: the orders of a replica that is killed and stays away are the other one's within seconds",
  async () => {
    world.stayAway(3_600_000);
    world.killAt({ order: "order.authorized.after" });
    const { order } = await world.place();
    await expect.poll(() => world.reached, PATIENT).toHaveLength(1);
    const killedAt = performance.now();
    await world.until(orderv1.OrderState.CONFIRMED, [order.id]);
    // A claim holds for three seconds; the rest is for a busy machine.
    expect(performance.now() - killedAt).toBeLessThan(15_000);
    expect(world.replicasOf("order").filter(({ pid }) => pid === undefined)).toHaveLength(1);
    expect(await world.movements(order.id)).toEqual(PAID);
  },
  LONG_TEST_MS,
);

test(
  "22-42: after all of this everything rests, and each account of the money and of what happened tells the same",
  async () => expect(await world.violations()).toEqual([]),
  LONG_TEST_MS,
);

const asked = () => world.callsOf("order", "grpc_client_started_total", "AuthorizePayment");

const answered = async (method: string) => {
  const calls = await world.callsOf("payment", "grpc_server_handled_total", method);
  return calls.reduce((sum, each) => sum + each, 0);
};
