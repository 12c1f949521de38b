import { sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createOrderWorld } from "../order-fixture.ts";
import type { ClaimedOrder } from "./order-queue.ts";
import { createPostgresOrderQueue } from "./postgres-order-queue.ts";

let world: Awaited<ReturnType<typeof createOrderWorld>>;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world.close());
beforeEach(() => world.db.deleteFrom("orders").execute());

const failure = { reason: "PAYMENT_DECLINED", message: "declined" } as const;

async function claimOne(): Promise<ClaimedOrder> {
  const [order] = await world.queue.claim(1);
  if (order === undefined) throw new Error("nothing is due");
  return order;
}

test("the oldest orders are claimed first, each by one worker", async () => {
  const placed = [];
  for (let n = 0; n < 6; n++) placed.push((await world.place()).id);
  expect((await world.queue.claim(2)).map(({ id }) => id)).toEqual(placed.slice(0, 2));
  const rest = await Promise.all([world.queue.claim(3), world.queue.claim(3), world.queue.claim(3)]);
  expect(rest.flatMap((claimed) => claimed.map(({ id }) => id)).sort()).toEqual(placed.slice(2));
  expect(await world.queue.claim(3)).toEqual([]);
});

test("24: a worker that looks while another one claims gets other orders, and none of his", async () => {
  for (let n = 0; n < 4; n++) await world.place();
  const [theirs, looking] = await world.db.transaction().execute(async (tx) => {
    const first = await createPostgresOrderQueue({ db: tx, now: () => new Date(), newId: uuidv7 }).claim(2);
    const second = world.queue.claim(4);
    // It has come to what is claimed: it answers without it, or waits for this transaction.
    await Promise.race([second, isWaitedFor(tx)]);
    return [first, second] as const;
  });
  const mine = await looking;
  expect([theirs.length, mine.length]).toEqual([2, 2]);
  expect(mine.filter(({ id }) => theirs.some((order) => order.id === id))).toEqual([]);
});

/** Resolves once somebody waits for what this transaction holds. */
const isWaitedFor = (tx: typeof world.db) =>
  expect
    .poll(async () => {
      const waiting = sql`select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))`;
      return (await waiting.execute(tx)).rows.length;
    })
    .toBe(1);

test("a claimed order tells what the next step needs", async () => {
  const { id, userId, total, refunded } = await world.place();
  const order = await claimOne();
  const known = { id, userId, total, refunded, paymentMethod: "pm_ok", state: "PENDING", version: 1n };
  expect(order).toMatchObject({ ...known, paymentAsked: false, paymentId: undefined, attempts: 0 });
});

test("an order whose holder is dead is claimed again once the lease has run out, not before", async () => {
  await world.place();
  const first = await claimOne();
  expect(await world.queue.claim(1)).toEqual([]);
  await world.passLeases();
  expect((await claimOne()).claim).not.toBe(first.claim);
});

test("who lost the claim changes nothing", async () => {
  const { id } = await world.place();
  const lost = await claimOne();
  await world.passLeases();
  const held = await claimOne();
  expect(await world.queue.markAsked(lost)).toBeUndefined();
  expect(await world.queue.change(lost, { state: "FAILED", failure })).toBeUndefined();
  expect(await world.queue.reload(lost)).toBeUndefined();
  await world.queue.postpone(lost, 60_000);
  await world.queue.release(lost);
  expect(await world.queue.reload(held)).toEqual(held);
  expect(await world.read(id)).toMatchObject({ state: "PENDING", version: 1n });
});

test("who knows an older version changes nothing, and sees the newer one under his claim", async () => {
  const { id } = await world.place();
  const held = await claimOne();
  await world.cancel(id);
  expect(await world.queue.markAsked(held)).toBeUndefined();
  expect(await world.queue.change(held, { state: "FAILED", failure })).toBeUndefined();
  expect(await world.queue.reload(held)).toMatchObject({ state: "CANCELLING", version: 2n, claim: held.claim });
});

/** How long the lease of the order still holds. */
async function leaseMs(id: string): Promise<number> {
  const left = sql<number>`extract(epoch from lease_until - now())::float8 * 1000`.as("left");
  const row = await world.db.selectFrom("orders").select(left).where("id", "=", id).executeTakeFirstOrThrow();
  return row.left;
}

test("a claim that is renewed holds for another lease, one that was lost is another's", async () => {
  const [lostOrder, heldOrder] = [await world.place(), await world.place()];
  const [lost, held] = await world.queue.claim(2);
  if (lost === undefined || held === undefined) throw new Error("nothing is due");
  await world.passLeases();
  const taken = await claimOne();
  expect(taken.id).toBe(lostOrder.id);
  await world.db.updateTable("orders").set({ lease_until: sql`now() + interval '1 second'` }).execute();
  await world.queue.renew([lost, held]);
  expect(await leaseMs(heldOrder.id)).toBeGreaterThan(1000);
  expect(await leaseMs(lostOrder.id)).toBeLessThan(1000);
  await world.queue.renew([]);
});

test("a change renews the lease, and an order that rests is nobody's", async () => {
  const { id } = await world.place();
  const held = await claimOne();
  await world.db.updateTable("orders").set({ lease_until: sql`now() + interval '1 second'` }).execute();
  const asked = await world.queue.markAsked(held);
  expect(await leaseMs(id)).toBeGreaterThan(1000);
  expect(asked).toMatchObject({ paymentAsked: true, version: 1n });
  expect(await world.queue.change(asked ?? held, { state: "FAILED", failure })).toMatchObject({ state: "FAILED" });
  expect(await world.queue.reload(held)).toBeUndefined();
  await world.passLeases();
  expect(await world.queue.claim(1)).toEqual([]);
  expect(await world.read(id)).toMatchObject({ state: "FAILED", failure });
});

test("a failed attempt is counted and waits, until somebody changes the order", async () => {
  const { id } = await world.place();
  await world.queue.postpone(await claimOne(), 60_000);
  expect(await world.queue.claim(1)).toEqual([]);
  await world.passLeases();
  const again = await claimOne();
  expect(again.attempts).toBe(1);
  await world.queue.postpone(again, 60_000);
  await world.cancel(id);
  expect(await claimOne()).toMatchObject({ state: "CANCELLING", attempts: 0 });
});

test("an attempt that fails after the order was changed is not waited for", async () => {
  const { id } = await world.place();
  const held = await claimOne();
  await world.cancel(id);
  await world.queue.postpone(held, 60_000);
  expect(await claimOne()).toMatchObject({ state: "CANCELLING", attempts: 0 });
});

test("an order that is released goes to the next worker at once", async () => {
  const { id } = await world.place();
  await world.queue.release(await claimOne());
  expect((await claimOne()).id).toBe(id);
});

// By this guard, and not by another one that the change happens to offend too.
for (const [what, change, by] of [
  ["a state that cannot follow", { state: "CANCELLED", version: 2n }, /cannot go from PENDING to CANCELLED/],
  ["a version left out", { state: "CANCELLING", version: 3n }, /without its next version/],
  ["a change without a new version", { state: "CANCELLING" }, /without its next version/],
  ["a version without its event", { state: "CANCELLING", version: 2n }, /has no event/],
  ["a failure without a reason", { state: "FAILED", version: 2n }, /violates check constraint/],
  [
    "a payment nobody asked for",
    { payment_id: "019b76da-a800-7000-8000-000000000001", version: 2n },
    /violates check constraint/,
  ],
  ["more given back than was paid", { refunded_minor: 10n ** 9n, version: 2n }, /violates check constraint/],
] as const) {
  test(`the database itself refuses ${what}`, async () => {
    const { id } = await world.place();
    const changed = world.db.updateTable("orders").set(change).where("id", "=", id).execute();
    await expect(changed).rejects.toThrow(by);
    expect(await world.read(id)).toMatchObject({ state: "PENDING", version: 1n });
  });
}
