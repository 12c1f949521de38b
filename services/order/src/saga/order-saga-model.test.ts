import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOrderWorld } from "../order-fixture.ts";
import { ruleOf } from "../order-states.ts";
import type { Account } from "./payments-fixture.ts";

let world: Awaited<ReturnType<typeof createOrderWorld>>;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world.close());

/** What may happen at every moment between the saga and its payments: before a request arrives, after it had its effect. */
const EVENTS = {
  nothing: async () => {},
  /** The request or its answer is lost, and with it the worker. */
  crash: async () => {
    throw new Error("lost");
  },
  cancel: (id: string) => world.cancel(id).catch(() => {}),
  /** Another worker finds the lease run out and goes on, while this one is held up and then goes on too. */
  takeOver: async () => {
    await world.passLeases();
    await world.work().catch(() => {});
  },
  expire: async (id: string) => world.payments.expire(id),
  block: async () => {
    world.users.active = false;
  },
};

/** What must hold of an order that rests: the card was charged once or not at all, and money is where the order says. */
const RESTING: Record<string, (account: Account | undefined, total: bigint) => boolean> = {
  CONFIRMED: (account, total) => account?.state === "CAPTURED" && account.capturedMinor === total,
  REFUNDED: (account, total) => account?.state === "REFUNDED" && account.refundedMinor === total,
  CANCELLED: (account) => isFree(account),
  FAILED: (account) => isFree(account),
};

const isFree = (account: Account | undefined) =>
  account === undefined ||
  ((account.state === "VOIDED" || account.state === "EXPIRED") && account.charges.length === 0);

test("22, 23, 24, 28, 30: whatever crashes, races and comes late, an order comes to rest with its money where it says", async () => {
  const event = fc.constantFrom(...(Object.keys(EVENTS) as (keyof typeof EVENTS)[]));
  const script = fc.array(event, { maxLength: 12 });
  const method = fc.constantFrom("pm_ok", "pm_ok", "pm_declined");
  await fc.assert(
    fc.asyncProperty(script, method, fc.boolean(), async (events, paymentMethod, cancelledAtOnce) => {
      world.users.active = true;
      const { id, total } = await world.place({ paymentMethod });
      const seen = [(await world.read(id)).version];
      const pending = [...events];
      world.payments.onMoment = async () => {
        seen.push((await world.read(id)).version);
        await EVENTS[pending.shift() ?? "nothing"](id);
      };
      if (cancelledAtOnce) await world.cancel(id);
      // Each round a worker lives as long as it may; every crash uses up an event.
      for (let round = 0; round <= events.length + 1; round++) {
        await world.work().catch(() => {});
        await world.passLeases();
      }
      const order = await world.read(id);
      const account = world.payments.accounts.get(id);
      expect(ruleOf(order.state).step).toBeUndefined();
      expect(RESTING[order.state]?.(account, total.minor)).toBe(true);
      expect(account?.charges.length ?? 0).toBeLessThanOrEqual(1);
      expect(seen).toEqual([...seen].sort((a, b) => Number(a - b)));
    }),
    { numRuns: 150 },
  );
}, 60_000);
