import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { Validator } from "@seriousme/openapi-schema-validator";
import { httpRoutes } from "@tenon/transcoding";
import { expect, test } from "vitest";
import { gatewayApi } from "./gateway-api.ts";
import { startGreetings } from "./gateway-fixture.ts";
import { GATEWAY_SERVICES } from "./gateway-services.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is looked at place by place
const api = gatewayApi() as any;

test("it is valid", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(api));
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  expect(validator.version).toBe("3.1");
});

test("every reference leads somewhere", () => {
  for (const [, name = ""] of JSON.stringify(api).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    expect(api.components.schemas).toHaveProperty([name]);
  }
});

test("every route is an operation, but those that talk both ways at once", () => {
  const routes = httpRoutes(GATEWAY_SERVICES.map(({ service }) => service));
  const served = routes.filter(({ method }) => method.methodKind !== "bidi_streaming");
  const operations = Object.values(api.paths).flatMap((item) => Object.values(item as object));
  expect(operations).toHaveLength(served.length);
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(served.length);
});

test("paths with different names for one variable are one path", () => {
  expect(Object.keys(api.paths["/v1/users/{user_id}"]).sort()).toEqual(["delete", "get", "patch"]);
  expect(Object.keys(api.paths).filter((path) => path.startsWith("/v1/products/"))).toEqual([
    "/v1/products/{product_id}",
  ]);
});

test("rules, comments and needs of a request are shown", () => {
  const { description, required, properties } = api.components.schemas["user.v1.CreateUserRequest"];
  expect(description).toBe("A new account.");
  expect(required).toEqual(["requestId", "email", "password", "displayName"]);
  expect(properties.password).toMatchObject({ type: "string", minLength: 12, maxLength: 128 });
  expect(properties.requestId).toMatchObject({ format: "uuid" });
  const items = api.components.schemas["order.v1.CreateOrderRequest"].properties.items;
  expect(items).toMatchObject({ type: "array", minItems: 1, maxItems: 100 });
});

test("examples are ones that the rules allow", () => {
  const validator = createValidator();
  const inputs = GATEWAY_SERVICES.flatMap(({ service }) => service.methods.map(({ input }) => input));
  let seen = 0;
  for (const desc of inputs.flatMap((input) => [input, ...input.fields.flatMap(({ message }) => message ?? [])])) {
    const properties = api.components.schemas[desc.typeName]?.properties ?? {};
    for (const [name, { examples = [] }] of Object.entries<{ examples?: JsonValue[] }>(properties)) {
      for (const example of examples) {
        const { violations = [] } = validator.validate(desc, fromJson(desc, { [name]: example }));
        const [field] = desc.fields.filter(({ jsonName }) => jsonName === name);
        expect(violations.filter((one) => one.field[0] === field)).toEqual([]);
        seen += 1;
      }
    }
  }
  expect(seen).toBeGreaterThan(5);
});

test("what a call may fail with is told by its status", () => {
  const { responses } = api.paths["/v1/orders"].post;
  expect(Object.keys(responses)).toEqual(["200", "400", "401", "403", "404", "default"]);
  expect(responses["404"].description).toBe("`NOT_FOUND` (`PRODUCT_NOT_FOUND`)");
});

test("nothing of what servers send is required, for they leave out what is empty", () => {
  expect(api.components.schemas["user.v1.User"].required).toBe(undefined);
});

test("int64 is a text, and an enum its names with what they mean", () => {
  const { version } = api.components.schemas["order.v1.Order"].properties;
  expect(version).toMatchObject({ type: "string", format: "int64" });
  const state = api.components.schemas["user.v1.UserState"];
  expect(state.enum).toContain("USER_STATE_BLOCKED");
  expect(state.description).toContain("- `USER_STATE_BLOCKED`: May not log in");
});

test("what path and body do not bind is a parameter", () => {
  const names = (operation: { parameters: { name: string; in: string; required?: boolean }[] }) =>
    operation.parameters.map((one) => `${one.in} ${one.name}${one.required ? "!" : ""}`);
  expect(names(api.paths["/v1/users/{user_id}"].patch)).toEqual([
    "path user_id!",
    "query request_id!",
    "query update_mask",
  ]);
  expect(names(api.paths["/v1/orders"].get)).toEqual(["query state", "query page_size", "query page_token"]);
});

test("tokens are asked for where the contract asks for them", () => {
  expect(api.paths["/v1/me"].get.security).toEqual([{ bearer: [] }]);
  expect(api.paths["/v1/greet"].post.security).toEqual([]);
});

test("streams name their media types", () => {
  const watch = api.paths["/v1/orders/{order_id}:watch"].get.responses["200"].content;
  expect(Object.keys(watch)).toEqual(["application/json", "application/x-ndjson", "text/event-stream"]);
  const record = api.paths["/v1/greetings:record"].post.requestBody.content;
  expect(Object.keys(record)).toEqual(["application/x-ndjson", "application/json"]);
});

test("it is served as JSON, for reading only", async () => {
  const { url } = await startGreetings({
    files: { "/openapi.json": { contentType: "application/json", body: JSON.stringify(api) } },
  });
  const response = await fetch(`${url}/openapi.json?download`);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual(api);
  const posted = await fetch(`${url}/openapi.json`, { method: "POST" });
  expect({ status: posted.status, allow: posted.headers.get("allow") }).toEqual({ status: 405, allow: "GET, HEAD" });
  expect(await posted.json()).toMatchObject({ code: 12 });
});
