import { randomUUID } from "node:crypto";
import * as userv1 from "@tenon/contracts/user/v1";
import { expect, test } from "vitest";
import { EVENT_FIELDS, toEvent } from "./event-message.ts";
import { toUserEvent, userEvent } from "./events-fixture.ts";

test("an event tells what it is about, which version, and since when", () => {
  const id = randomUUID();
  const event = userEvent(id, 3n, userv1.UserState.BLOCKED);
  expect(event).toMatchObject({ type: "user.v1.UserEvent", aggregateId: id, version: 3n });
  const told = toUserEvent(event);
  expect(told).toMatchObject({ id: event.eventId, aggregateId: id, version: 3n, traceparent: "" });
  expect(told.createTime?.seconds).toBe(BigInt(Date.UTC(2026, 0, 2, 3, 4, 5) / 1000));
  expect(told.user).toMatchObject({ id, state: userv1.UserState.BLOCKED });
});

test("59: what the contract marks as secret is not in an event", () => {
  const event = userEvent();
  expect(toUserEvent(event).user).toMatchObject({ email: "", displayName: "" });
  expect(Buffer.from(event.message).includes("ada@example.com")).toBe(false);
});

test("the id of an event is the same whenever it is made, and another for each version", () => {
  const id = randomUUID();
  expect(userEvent(id, 1n).eventId).toBe(userEvent(id, 1n).eventId);
  expect(userEvent(id, 2n).eventId).not.toBe(userEvent(id, 1n).eventId);
});

test("every message that can be delivered has the fields of an event", () => {
  expect([...EVENT_FIELDS.keys()]).toEqual(["user.v1.UserEvent", "order.v1.OrderEvent", "payment.v1.PaymentEvent"]);
  for (const { schema } of EVENT_FIELDS.values()) {
    const header = ["id", "aggregate_id", "version", "create_time", "traceparent"];
    expect(schema.fields.slice(0, 5).map(({ name }) => name)).toEqual(header);
    const event = toEvent(schema, { aggregateId: randomUUID(), version: 1n, at: new Date() }, {});
    expect(event.type).toBe(schema.typeName);
  }
});
