import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import * as eventsv1 from "@tenon/contracts/events/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { createListener } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { testServer } from "@tenon/testing";
import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { createEventHandler } from "./event-handler.ts";
import { createTally, eventsDatabase, silent, toUserEvent, userEvent, write } from "./events-fixture.ts";
import { createGrpcPublisher } from "./grpc-publisher.ts";
import { subscription } from "./inbox/event-inbox.ts";
import { createListening } from "./listening.ts";
import { createOutbox } from "./outbox/event-outbox.ts";
import { createPublishing, OUTBOX_CHANNEL } from "./publishing.ts";

const timeoutMs = 5000;

/** A service that listens to users, behind the standard chain, with a database of its own. */
async function subscriber() {
  const { db } = await eventsDatabase();
  const applied = createTally<userv1.UserEvent>();
  const registry = new Registry();
  const { inbox } = createListening<Record<never, never>>({
    db,
    subscriptions: [subscription(userv1.UserEventSchema, (event) => async () => applied.note(event))],
    logger: silent,
    registry,
  });
  const server = testServer({ name: "order", services: [createEventHandler({ inbox })] });
  onTestFinished(() => server.close());
  return {
    applied,
    inbox,
    registry,
    connect: (caller: Parameters<typeof server.connect>[1]) => server.connect(eventsv1.EventService, caller),
  };
}

const toRequest = (event = userEvent()) =>
  create(eventsv1.DeliverRequestSchema, { event: { case: "user", value: toUserEvent(event) } });

test("36: what is committed in one service reaches another by its calls, each version in its order", async () => {
  const order = await subscriber();
  const { db, url } = await eventsDatabase();
  const listener = createListener({ url, channels: [OUTBOX_CHANNEL], logger: silent });
  const registry = new Registry();
  const workers = createPublishing({
    ...{ db, listener, registry, logger: silent },
    types: [userv1.UserEventSchema],
    nats: undefined,
    subscribers: [order.connect({ service: "user" })],
  });
  onTestFinished(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await listener.close();
  });
  for (const worker of workers) worker.start();

  const ids = Array.from({ length: 10 }, () => randomUUID());
  for (const version of [1n, 2n, 3n]) await write(db, ...ids.map((id) => userEvent(id, version)));
  const applied = await order.applied.reached(30);
  for (const id of ids) {
    expect(applied.filter(({ aggregateId }) => aggregateId === id).map(({ version }) => version)).toEqual([1n, 2n, 3n]);
  }

  const outbox = createOutbox({ db });
  const rest = () => expect.poll(() => outbox.oldestUnpublishedMs(), { timeout: 10_000 }).toBe(0);
  // What was taken is marked a moment later, and only what is marked is opened by a replay.
  await rest();
  // Everything is told again, and has no second effect; what is told after it shows that it has been.
  await Array.fromAsync(outbox.replay());
  const last = userEvent();
  await write(db, last);
  await order.applied.reached(31);
  await rest();
  expect(order.applied.noted).toHaveLength(31);
  const text = await order.registry.metrics();
  expect(text).toContain('tenon_events_received_total{type="user.v1.UserEvent",outcome="applied"} 31');
  expect(text).toContain('tenon_events_received_total{type="user.v1.UserEvent",outcome="known"} 30');
  expect(text).toContain("tenon_events_dead_letters 0");
  const published = await registry.metrics();
  expect(published).toContain('tenon_events_published_total{type="user.v1.UserEvent"} 61');
  expect(published).toContain("tenon_outbox_oldest_unpublished_seconds 0");
});

test("40: a dead letter is counted, and a metric has it until it is redriven", async () => {
  const order = await subscriber();
  const garbage = { message: Uint8Array.of(255, 255, 255) };
  await order.inbox.receive(userv1.UserEventSchema.typeName, garbage.message);
  const text = await order.registry.metrics();
  expect(text).toContain('tenon_events_received_total{type="user.v1.UserEvent",outcome="dead"} 1');
  expect(text).toContain("tenon_events_dead_letters 1");
  await Array.fromAsync(order.inbox.redrive());
  expect(await order.registry.metrics()).toContain("tenon_events_dead_letters 0");
});

test("an event is published once every subscriber has taken it", async () => {
  const [event] = [userEvent()];
  const taken: string[] = [];
  const down = { deliver: () => Promise.reject(new StatusError("UNAVAILABLE", "not there")) };
  const up = {
    deliver: async (request: unknown) => {
      taken.push((request as eventsv1.DeliverRequest).event.value?.id ?? "");
      return create(eventsv1.DeliverResponseSchema);
    },
  };
  const outboxEvent = { ...event, position: 1n, attempts: 1 };
  const publish = (...subscribers: (typeof up | typeof down)[]) =>
    createGrpcPublisher({ subscribers }).publish(outboxEvent, AbortSignal.timeout(timeoutMs));
  await publish(up, up);
  expect(taken).toEqual([event.eventId, event.eventId]);
  await expect(publish(up, down)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await publish();
});

for (const [who, caller] of [
  ["another service", { service: "payment" }],
  ["a service that publishes nothing", { service: "gateway" }],
  ["a user", { id: randomUUID() }],
  ["an admin", { id: randomUUID(), role: "admin" }],
] as const) {
  test(`${who} may not tell what happens to users`, async () => {
    const order = await subscriber();
    const refused = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" };
    await expect(order.connect(caller).deliver(toRequest(), { timeoutMs })).rejects.toMatchObject(refused);
    expect(order.applied.noted).toEqual([]);
  });
}

test("nobody may tell anything without proof of who he is", async () => {
  const order = await subscriber();
  await expect(order.connect(undefined).deliver(toRequest(), { timeoutMs })).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
  });
});

test("an event of a type that nobody listens to is refused, and so is none", async () => {
  const order = await subscriber();
  const value = create(orderv1.OrderEventSchema, {
    ...{ id: randomUUID(), aggregateId: randomUUID(), version: 1n, order: { id: randomUUID() } },
    createTime: { seconds: 1n, nanos: 0 },
  });
  await expect(
    order.connect({ service: "order" }).deliver({ event: { case: "order", value } }, { timeoutMs }),
  ).rejects.toMatchObject({ code: "INVALID_ARGUMENT", reason: "EVENT_UNKNOWN" });
  await expect(order.connect({ service: "user" }).deliver({}, { timeoutMs })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    reason: "VALIDATION_FAILED",
  });
});
