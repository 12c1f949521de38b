import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { compileFixture, compileThings } from "../things-fixture.ts";
import { createOpenApi } from "./openapi.ts";

const service = compileFixture("rules.v1.RuleService");
const comments = {
  "rules.v1.RuleService.Check": "Checks. NOT_FOUND (RULE_NOT_FOUND); ALREADY_EXISTS; FAILED_PRECONDITION (RULE_OFF).",
};
const document = createOpenApi({ services: [service], title: "Rules", version: "1", comments, needsToken: () => true });
// biome-ignore lint/suspicious/noExplicitAny: a document is looked at place by place
const api = document as any;

test("it is valid OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(api));
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
});

for (const [field, schema] of Object.entries({
  id: { type: "string", format: "uuid" },
  code: { type: "string", minLength: 3, maxLength: 3, examples: ["EUR", "JPY"] },
  kind: { type: "string", const: "rule" },
  size: { type: "string", enum: ["S", "M"] },
  count: { type: "integer", format: "int32", exclusiveMinimum: 0, maximum: 10, examples: [2] },
  labels: {
    type: "object",
    additionalProperties: { type: "string", maxLength: 8 },
    minProperties: 1,
    maxProperties: 5,
  },
  words: { type: "array", items: { type: "string", minLength: 2 }, maxItems: 3, uniqueItems: true },
  note: { type: "string", minLength: 1 },
  old: { type: "string", deprecated: true },
  given: { type: "string", readOnly: true },
  big: { type: "string", format: "int64" },
})) {
  test(`the rules of ${field} are shown`, () =>
    expect(api.components.schemas["rules.v1.Ruled"].properties[field]).toEqual(schema));
}

test("what rules refuse to be left out is required where it is received", () => {
  const { schema } = api.paths["/v1/check/{id}"].post.requestBody.content["application/json"];
  expect(schema.required).toEqual(["code", "count", "labels", "needed", "big"]);
  expect(schema.properties).not.toHaveProperty("id");
});

test("methods and messages that are going say so", () => {
  expect(api.paths["/v1/check/{id}"].get.deprecated).toBe(true);
  expect(api.paths["/v1/check/{id}"].post).not.toHaveProperty("deprecated");
  expect(api.components.schemas["rules.v1.Inner"].deprecated).toBe(true);
});

test("one path has one name for its variable, whatever the routes call it", () => {
  expect(Object.keys(api.paths["/v1/check/{id}"])).toEqual(["post", "get", "patch"]);
});

test("a second route of a method is an operation of its own, with a stable id", () => {
  const ids = Object.values(api.paths).flatMap((item) => Object.values(item as object).map((one) => one.operationId));
  expect(ids).toEqual([
    "RuleService_Check",
    "RuleService_Find",
    "RuleService_Change",
    "RuleService_Check_2",
    "RuleService_Find_2",
  ]);
});

test("the errors that the contract tells of are told, by status", () => {
  const { responses } = api.paths["/v1/check/{id}"].post;
  const told = Object.entries(responses as Record<string, { description?: string }>).map(
    ([status, { description }]) => [status, description],
  );
  expect(told).toEqual([
    ["200", "OK"],
    ["400", "`INVALID_ARGUMENT`, `FAILED_PRECONDITION` (`RULE_OFF`)"],
    ["401", "`UNAUTHENTICATED`"],
    ["403", "`PERMISSION_DENIED`"],
    ["404", "`NOT_FOUND` (`RULE_NOT_FOUND`)"],
    ["409", "`ALREADY_EXISTS`"],
    ["default", undefined],
  ]);
  expect(responses["404"].$ref).toBe("#/components/responses/Error");
});

test("a google.api.HttpBody is of any type, and the document of such methods is valid", async () => {
  const things = createOpenApi({ services: [compileThings()], title: "Things", version: "1" });
  const { valid, errors } = await new Validator().validate(structuredClone(things));
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  const { paths } = things as unknown as { paths: Record<string, Record<string, object>> };
  const anything = { content: { "*/*": {} } };
  expect(paths["/v1/reflect"]?.post).toMatchObject({ requestBody: anything, responses: { "200": anything } });
  expect(paths["/v1/things:import"]?.post).toMatchObject({ requestBody: anything });
  expect(Object.values(paths).filter(({ get }) => JSON.stringify(get)?.includes('"*/*"'))).toHaveLength(2);
});
