import { afterAll, expect, test } from "vitest";
import { createRouter, httpRoutes } from "./http-routes.ts";
import { readHttpRules } from "./http-rules.ts";
import { RouteError } from "./route-error.ts";
import { compileThings, createThings } from "./things-fixture.ts";
import { createTranscoder } from "./transcoder.ts";

const service = compileThings();
const things = createThings({ service });
afterAll(() => things.close());

const YAML = `
type: google.api.Service
config_version: 3
name: things.example.com
apis:
- name: things.v1.ThingService
http:
  rules:
  - selector: things.v1.ThingService.GetThing
    get: /v2/{name=shelves/*/things/*}
    additional_bindings:
    - get: /v2/thing
  - selector: things.v1.ThingService.Search
    get: /v2/nowhere
  - selector: things.v1.ThingService.Search
    custom: {kind: REPORT, path: /v2/things}
`;

const ask = async (method: string, url: string, more: object = {}) => {
  const { handle } = createTranscoder({ backends: [things], rules: readHttpRules(YAML), ...more });
  const { status, body } = await handle({ method, url, headers: {}, signal: AbortSignal.timeout(5000) });
  return { status, json: JSON.parse(String(body)) };
};

test("a rule of a service config goes before what its method declares", async () => {
  expect(await ask("GET", "/v2/shelves/1/things/2")).toMatchObject({
    status: 200,
    json: { thing: { name: "shelves/1/things/2" } },
  });
  expect(await ask("GET", "/v2/thing?name=a")).toMatchObject({ status: 200, json: { thing: { name: "a" } } });
  expect(await ask("GET", "/v1/things/1")).toMatchObject({ status: 405 }); // PATCH has it still
});

test("of two rules for one method the last counts", async () => {
  expect(await ask("GET", "/v2/nowhere")).toMatchObject({ status: 404 });
  expect(await ask("REPORT", "/v2/things?text=a")).toMatchObject({ status: 200, json: { text: "a" } });
});

test("methods without a rule have what they declare", async () => {
  expect(await ask("GET", "/v1/files/a/b")).toMatchObject({ status: 200, json: { name: "a/b" } });
});

test("JSON is YAML, in either spelling of a field", () => {
  const rules = [
    {
      selector: "things.v1.ThingService.Echo",
      post: "/v2/echo",
      body: "*",
      additionalBindings: [{ put: "/v2/echo", body: "*" }],
    },
  ];
  const routes = httpRoutes([service], readHttpRules(JSON.stringify({ http: { rules } })));
  const router = createRouter(routes);
  expect(router.allowed("/v2/echo")).toEqual(["POST", "PUT"]);
});

for (const [what, text, said] of [
  ["no YAML", "http: [", "no service config"],
  ["no object", "5", "without http.rules"],
  ["nothing", "", "without http.rules"],
  ["no rules", "http: {}", "without http.rules"],
  ["a field that rules have not", "http: {rules: [{selector: a, fetch: /b}]}", "no service config"],
  ["an alias bomb", bomb(), "no service config"],
  [
    "slashes that are decoded",
    "http: {rules: [{selector: a, get: /b}], fully_decode_reserved_expansion: true}",
    "fully_decode_reserved_expansion",
  ],
] as const) {
  test(`${what} is a RouteError`, () => {
    expect(() => readHttpRules(text)).toThrow(RouteError);
    expect(() => readHttpRules(text)).toThrow(said);
  });
}

/** Nine levels of ten aliases each: a thousand million values from half a page. */
function bomb(): string {
  const levels = Array.from(
    { length: 9 },
    (_, index) => `a${index + 1}: &a${index + 1} [${Array(10).fill(`*a${index}`)}]`,
  );
  return `a0: &a0 [x]\n${levels.join("\n")}\nhttp: *a9\n`;
}

for (const [what, rule, said] of [
  [
    "a method that is not there",
    "{selector: things.v1.ThingService.Nope, get: /a}",
    "no method things.v1.ThingService.Nope",
  ],
  ["no selector", "{get: /a}", "an empty selector"],
  [
    "a rule that does not fit its method",
    "{selector: things.v1.ThingService.Search, get: '/a/{nope}'}",
    "no field nope",
  ],
] as const) {
  test(`${what} stops the start, by its name`, () => {
    const rules = readHttpRules(`http: {rules: [${rule}]}`);
    expect(() => httpRoutes([service], rules)).toThrow(said);
  });
}
