import { create, fromBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { createInbox } from "@tenon/events";
import { createLogger } from "@tenon/logger";
import { sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOrderWorld } from "./order-fixture.ts";
import { createOrderFollowService } from "./order-follow-service.ts";
import { createOrderRepository } from "./order-repository.ts";
import { orderSubscriptions } from "./order-subscriptions.ts";

let world: Awaited<ReturnType<typeof createOrderWorld>>;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world.close());

const inbox = () => {
  const follow = (tx: typeof world.db) =>
    createOrderFollowService({ orders: createOrderRepository(tx), now: () => new Date() });
  const logger = createLogger({ name: "order", level: "silent" });
  return createInbox({ db: world.db, subscriptions: orderSubscriptions(follow), logger });
};

const header = (aggregateId: string, version: bigint) => ({
  ...{ id: uuidv7(), aggregateId, version },
  createTime: timestampNow(),
});

const userEvent = (version: bigint, state: userv1.UserState, id = world.user.userId) =>
  create(userv1.UserEventSchema, { ...header(id, version), user: { id, state } });

const paymentEvent = (orderId: string, state: paymentv1.PaymentState, refundedUnits = 0n) =>
  create(paymentv1.PaymentEventSchema, {
    ...header(uuidv7(), 5n),
    payment: { id: uuidv7(), orderId, state, refundedAmount: { currencyCode: "EUR", units: refundedUnits } },
  });

for (const [what, state, expected] of [
  ["was blocked", userv1.UserState.BLOCKED, "CANCELLING"],
  ["was deleted", userv1.UserState.DELETED, "CANCELLING"],
  ["changed his name", userv1.UserState.ACTIVE, "PENDING"],
] as const) {
  test(`31: an open order of a user who ${what} is ${expected}`, async () => {
    const { id } = await world.place();
    await inbox().receiveMessage(userEvent(BigInt(Date.now()), state));
    expect((await world.read(id)).state).toBe(expected);
    await world.work();
  });
}

test("38: that a user was blocked is no news once it is known that he no longer is", async () => {
  const { id } = await world.place();
  const version = BigInt(Date.now()) + 100n;
  const { receiveMessage } = inbox();
  await receiveMessage(userEvent(version + 1n, userv1.UserState.ACTIVE));
  await receiveMessage(userEvent(version, userv1.UserState.BLOCKED));
  expect((await world.read(id)).state).toBe("PENDING");
  await world.work();
});

test("37: an order placed after its user was unblocked is not cancelled by the event of the blocking, told again", async () => {
  const blocked = userEvent(BigInt(Date.now()) + 1000n, userv1.UserState.BLOCKED);
  const { receiveMessage } = inbox();
  await receiveMessage(blocked);
  const { id } = await world.place();
  await receiveMessage(blocked);
  expect((await world.read(id)).state).toBe("PENDING");
  await world.work();
});

for (const state of Object.values(paymentv1.PaymentState).filter((each) => each !== 0)) {
  const settled = !/ING$/.test(paymentName(state));
  test(`an order that waits ${settled ? "goes on at once" : "is left alone"} when its payment is ${paymentName(state)}`, async () => {
    const { id } = await world.place();
    const [claimed] = await world.queue.claim(1);
    if (claimed) await world.queue.postpone(claimed, 45_000);
    await inbox().receiveMessage(paymentEvent(id, state));
    expect(await world.queue.claim(10)).toHaveLength(settled ? 1 : 0);
    await world.passLeases();
    await world.work();
  });
}

test("a paid order whose payment tells that all was given back is REFUNDING", async () => {
  const { id } = await world.place();
  await world.work();
  await inbox().receiveMessage(paymentEvent(id, paymentv1.PaymentState.REFUNDED, 40n));
  expect((await world.read(id)).state).toBe("REFUNDING");
});

test("every state of an order has its event, with the items in the first one only", async () => {
  const { id } = await world.place();
  await world.work();
  const { rows } = await sql<{ version: bigint; message: Buffer }>`
    select version, message from outbox where aggregate_id = ${id} order by version`.execute(world.db);
  const told = rows.map(({ message }) => fromBinary(orderv1.OrderEventSchema, message));
  expect(told.map(({ version }) => version)).toEqual(rows.map((_, index) => BigInt(index + 1)));
  const { PENDING, AUTHORIZED, CONFIRMED } = orderv1.OrderState;
  expect(told.map(({ order }) => order?.state)).toEqual([PENDING, AUTHORIZED, CONFIRMED]);
  expect(told.map(({ order }) => order?.items.length)).toEqual([1, 0, 0]);
  expect(told.at(-1)?.order?.paymentId).toBe((await world.read(id)).paymentId);
});

function paymentName(state: paymentv1.PaymentState): string {
  const [name = ""] = Object.entries(paymentv1.PaymentState).find(([, value]) => value === state) ?? [];
  return name;
}
