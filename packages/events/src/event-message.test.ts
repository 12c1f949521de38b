import { randomUUID } from "node:crypto";
import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
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

test("59: nor is it wherever else a message can hold it: in lists, maps and alternatives", () => {
  const node = (secret: string, rest: object = {}) => create(Node, { secret, name: "kept", ...rest });
  const state = {
    secret: "canary 1",
    nodes: [node("canary 2", { nodes: [node("canary 3")] })],
    byName: { a: node("canary 4") },
    choice: { case: "chosen", value: node("canary 5") },
  };
  const { message } = toEvent(Node, { aggregateId: randomUUID(), version: 1n, at: new Date() }, state);
  const text = Buffer.from(message).toString("latin1");
  expect(text).not.toContain("canary");
  expect(text.match(/kept/g)).toHaveLength(4);
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

/** A message that holds itself in every way there is. */
const Node: DescMessage = (() => {
  const node = { type: Type.MESSAGE, typeName: ".odd.v1.Node" };
  const field = (number: number, name: string, rest: object) => ({ number, name, label: Label.OPTIONAL, ...rest });
  const entry = { ...node, typeName: ".odd.v1.Node.ByNameEntry", label: Label.REPEATED };
  const fields = [
    field(1, "secret", { type: Type.STRING, options: { debugRedact: true } }),
    field(2, "name", { type: Type.STRING }),
    field(3, "nodes", { ...node, label: Label.REPEATED }),
    field(4, "by_name", { ...entry, jsonName: "byName" }),
    field(5, "chosen", { ...node, oneofIndex: 0 }),
  ];
  const nested = {
    name: "ByNameEntry",
    options: { mapEntry: true },
    field: [field(1, "key", { type: Type.STRING }), field(2, "value", node)],
  };
  const message = { name: "Node", nestedType: [nested], oneofDecl: [{ name: "choice" }], field: fields };
  const file = { name: "odd.proto", package: "odd.v1", syntax: "proto3", messageType: [message] };
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  return registry.getMessage("odd.v1.Node") as DescMessage;
})();
