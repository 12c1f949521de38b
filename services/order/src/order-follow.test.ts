import { sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOrderWorld } from "./order-fixture.ts";
import { createOrderFollowService, type OrderFollowService } from "./order-follow-service.ts";
import { createOrderRepository } from "./order-repository.ts";

let world: Awaited<ReturnType<typeof createOrderWorld>>;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world.close());

const TOTAL = 3998n;
const minor = (amount: bigint) => ({ currency: "EUR", minor: amount });

const follow = <T>(work: (service: OrderFollowService) => Promise<T>): Promise<T> =>
  world.db
    .transaction()
    .execute((tx) => work(createOrderFollowService({ orders: createOrderRepository(tx), now: () => new Date() })));

/** An order in each state from which a cancellation leads back. */
const OPEN = {
  "is not worked on yet": async () => world.place(),
  "has its money reserved": async () => {
    const { id } = await world.place();
    const [claimed] = await world.queue.claim(1);
    const signal = AbortSignal.timeout(5000);
    const asked = claimed && (await world.saga(claimed, signal));
    const authorized = asked && (await world.saga(asked, signal));
    if (authorized) await world.queue.release(authorized);
    const order = await world.read(id);
    expect(order.state).toBe("AUTHORIZED");
    return order;
  },
};

async function confirmed() {
  const { id } = await world.place();
  await world.work();
  return world.read(id);
}

/** Gives money back without the order's knowing, and tells it. */
async function refundBehindItsBack(orderId: string, amount: bigint, { told = true } = {}): Promise<void> {
  const paymentId = world.payments.accounts.get(orderId)?.id ?? "";
  const request = { requestId: uuidv7(), paymentId, amount: minor(amount) };
  const { refundedMinor = 0n } = await world.payments.refund(request, AbortSignal.timeout(5000));
  if (told) await follow((service) => service.paymentSettled({ orderId, refundedMinor }));
}

for (const [what, place] of Object.entries(OPEN)) {
  test(`31: when its user leaves, an order that ${what} is cancelled, and keeps no money`, async () => {
    const { id, version } = await place();
    await follow((service) => service.userLeft(world.user.userId));
    expect(await world.read(id)).toMatchObject({ state: "CANCELLING", version: version + 1n });
    await world.work();
    expect(await world.read(id)).toMatchObject({ state: "CANCELLED" });
    expect(world.payments.accounts.get(id)?.state ?? "VOIDED").toBe("VOIDED");
  });
}

test("31: when a user leaves, what he has paid and what others ordered stays", async () => {
  const paid = await confirmed();
  const open = await world.place();
  await follow((service) => service.userLeft(uuidv7()));
  expect(await world.read(open.id)).toEqual(open);
  await follow((service) => service.userLeft(world.user.userId));
  expect(await world.read(paid.id)).toEqual(paid);
  await world.work();
});

test("31: when a user leaves, all of many open orders are cancelled", async () => {
  const placed = await Promise.all(Array.from({ length: 105 }, () => world.place()));
  await follow((service) => service.userLeft(world.user.userId));
  const states = await Promise.all(placed.map(async ({ id }) => (await world.read(id)).state));
  expect(new Set(states)).toEqual(new Set(["CANCELLING"]));
  await world.work();
});

test("a paid order whose money was given back behind its back is REFUNDED", async () => {
  const { id } = await confirmed();
  await refundBehindItsBack(id, TOTAL);
  expect(await world.read(id)).toMatchObject({ state: "REFUNDING" });
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "REFUNDED", refunded: minor(TOTAL), refunding: minor(0n) });
  expect(world.payments.accounts.get(id)?.refundedMinor).toBe(TOTAL);
});

test("a part that was given back behind its back is known as refunded, and the rest can be", async () => {
  const { id } = await confirmed();
  await refundBehindItsBack(id, 1000n);
  expect(await world.read(id)).toMatchObject({ state: "CONFIRMED", refunded: minor(1000n), refunding: minor(0n) });
  expect(await world.queue.claim(1)).toEqual([]);
  await world.refund(id, TOTAL - 1000n);
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "REFUNDED", refunded: minor(TOTAL) });
});

test("what the order itself has asked to give back is told without counting twice", async () => {
  const { id } = await confirmed();
  await world.refund(id, 1000n);
  await follow((service) => service.paymentSettled({ orderId: id, refundedMinor: 1000n }));
  expect(await world.read(id)).toMatchObject({ state: "CONFIRMED", refunded: minor(0n), refunding: minor(1000n) });
  await world.work();
  await follow((service) => service.paymentSettled({ orderId: id, refundedMinor: 1000n }));
  expect(await world.read(id)).toMatchObject({ state: "CONFIRMED", refunded: minor(1000n), refunding: minor(0n) });
});

test("a cancelled order of which a part was given back behind its back gives the rest back", async () => {
  const { id } = await confirmed();
  await refundBehindItsBack(id, 1000n, { told: false });
  await world.cancel(id);
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "REFUNDED", refunded: minor(TOTAL) });
  expect(world.payments.accounts.get(id)?.refundedMinor).toBe(TOTAL);
});

test("a refund for which too little is left behind its back is given up, and the order follows", async () => {
  const { id } = await confirmed();
  await refundBehindItsBack(id, 1000n, { told: false });
  await world.refund(id, TOTAL - 500n);
  await world.work();
  expect(await world.read(id)).toMatchObject({ state: "CONFIRMED", refunded: minor(1000n), refunding: minor(0n) });
  const refunds = world.db.selectFrom("order_refunds").select("state").where("order_id", "=", id);
  expect(await refunds.execute()).toEqual([{ state: "REFUSED" }]);
});

test("an order that waits for another attempt goes on at once when its payment is settled", async () => {
  const { id } = await world.place();
  const [claimed] = await world.queue.claim(1);
  if (claimed) await world.queue.postpone(claimed, 45_000);
  expect(await world.queue.claim(1)).toEqual([]);
  await follow((service) => service.paymentSettled({ orderId: id, refundedMinor: 0n }));
  expect(await world.queue.claim(1)).toMatchObject([{ id, attempts: 0 }]);
  await world.passLeases();
  await world.work();
});

test("a payment of no order of ours changes nothing", async () => {
  const { rows } = await sql`select sum(version) as sum from orders`.execute(world.db);
  for (const refundedMinor of [0n, 1n]) {
    await follow((service) => service.paymentSettled({ orderId: uuidv7(), refundedMinor }));
  }
  expect((await sql`select sum(version) as sum from orders`.execute(world.db)).rows).toEqual(rows);
});
