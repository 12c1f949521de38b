import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { breakingChanges } from "./openapi-changes.ts";

const text = readFileSync(new URL("../docs/openapi.json", import.meta.url), "utf8");

// biome-ignore lint/suspicious/noExplicitAny: a document is changed place by place
type Json = any;

/** What is told of a change of the document. */
function told(change: (document: Json) => void): string[] {
  const now = JSON.parse(text);
  change(now);
  expect(now).not.toEqual(JSON.parse(text));
  return breakingChanges(JSON.parse(text), now);
}

const schema = (document: Json, name: string): Json => document.components.schemas[name];
const orders = (document: Json): Json => document.paths["/v1/orders"];

test("a document breaks nothing of itself", () =>
  expect(breakingChanges(JSON.parse(text), JSON.parse(text))).toEqual([]));

for (const [what, change, expected] of [
  ["a path", (now) => delete now.paths["/v1/orders/{order_id}"], "/v1/orders/{order_id}: the path is removed"],
  ["an operation", (now) => delete orders(now).get, "GET /v1/orders: the operation is removed"],
  [
    "an operation's id",
    (now) => (orders(now).get.operationId = "List"),
    "GET /v1/orders: its operationId OrderService_ListOrders is now List",
  ],
  [
    "openness",
    (now) => (now.paths["/v1/greet"].post.security = [{ bearer: [] }]),
    "POST /v1/greet: it needs a token now",
  ],
  ["a parameter", (now) => orders(now).get.parameters.shift(), "GET /v1/orders parameter state: is removed"],
  [
    "a parameter that may be left out",
    (now) => (orders(now).get.parameters[1].required = true),
    "GET /v1/orders parameter page_size: is required now",
  ],
  [
    "a request without a parameter that is new",
    (now) => orders(now).get.parameters.push({ name: "tenant", in: "query", required: true, schema: {} }),
    "GET /v1/orders parameter tenant: is new and required",
  ],
  ["a response", (now) => delete orders(now).post.responses["404"], "POST /v1/orders: the response 404 is removed"],
  [
    "a media type",
    (now) => delete now.paths["/v1/orders/{order_id}:watch"].get.responses["200"].content["text/event-stream"],
    "GET /v1/orders/{order_id}:watch 200: text/event-stream is removed",
  ],
  [
    "a field of an answer",
    (now) => delete schema(now, "order.v1.Order").properties.total,
    "order.v1.Order.total: is removed",
  ],
  [
    "a field of a request",
    (now) => delete schema(now, "order.v1.CreateOrderItem").properties.quantity,
    "order.v1.CreateOrderItem.quantity: is removed",
  ],
  [
    "a request without a field",
    (now) => schema(now, "user.v1.CreateUserRequest").required.push("displayname"),
    "user.v1.CreateUserRequest.displayname: is required now",
  ],
  [
    "a type",
    (now) => (schema(now, "order.v1.Order").properties.version.type = "integer"),
    'order.v1.Order.version: its type "string" is now "integer"',
  ],
  [
    "a value of an enum",
    (now) => schema(now, "order.v1.OrderState").enum.pop(),
    "order.v1.OrderState: the value ORDER_STATE_REFUNDED is removed",
  ],
  [
    "a longer text",
    (now) => (schema(now, "user.v1.CreateUserRequest").properties.password.maxLength = 64),
    "user.v1.CreateUserRequest.password: its maxLength 128 is now 64",
  ],
  [
    "a greater number",
    (now) => (schema(now, "order.v1.CreateOrderItem").properties.quantity.maximum = 100),
    "order.v1.CreateOrderItem.quantity: its maximum 10000 is now 100",
  ],
] satisfies [string, (now: Json) => unknown, string][]) {
  test(`${what} that goes is named`, () => expect(told(change)).toContain(expected));
}

for (const [what, change] of [
  ["a path", (now) => (now.paths["/v2/new"] = { get: orders(now).get })],
  ["an operation", (now) => (orders(now).put = orders(now).post)],
  ["a parameter", (now) => orders(now).get.parameters.push({ name: "q", in: "query", schema: { type: "string" } })],
  ["a response", (now) => (orders(now).post.responses["409"] = orders(now).post.responses["404"])],
  ["a field of an answer", (now) => (schema(now, "order.v1.Order").properties.note = { type: "string" })],
  ["a field of a request", (now) => (schema(now, "order.v1.CreateOrderRequest").properties.note = { type: "string" })],
  ["a value of an enum", (now) => schema(now, "order.v1.OrderState").enum.push("ORDER_STATE_LOST")],
  ["a longer text", (now) => (schema(now, "user.v1.CreateUserRequest").properties.password.maxLength = 256)],
  ["a word", (now) => (schema(now, "order.v1.Order").description = "An order.")],
] satisfies [string, (now: Json) => unknown][]) {
  test(`${what} that is added breaks nothing`, () => expect(told(change)).toEqual([]));
}
