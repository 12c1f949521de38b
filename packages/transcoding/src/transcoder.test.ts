import { createClient } from "@tenon/grpc";
import { array, asyncProperty, assert as check, constantFrom, oneof, string, webUrl } from "fast-check";
import { afterAll, expect, test } from "vitest";
import { toFetch } from "./fetch-handler.ts";
import { compileThings, createThings } from "./things-fixture.ts";
import { createTranscoder } from "./transcoder.ts";

const things = createThings({ service: compileThings() });
afterAll(() => things.close());
const transcoder = createTranscoder({ backends: [things] });
const fetchThings = toFetch(transcoder.handle);

test("credentials, trace, request id and named metadata go to the backend, other headers do not", async () => {
  const headers = {
    authorization: "Bearer t",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "a=b",
    "x-request-id": "r1",
    "grpc-metadata-x-tenant": "blue",
    "grpc-metadata-x-key-bin": "AQI=",
    cookie: "secret=1",
    "x-forwarded-for": "1.2.3.4",
  };
  await fetchThings(new Request("http://here/v1/things/1", { headers }));
  const sent = things.lastCall()?.requestMetadata.getMap();
  expect(sent).toMatchObject({
    authorization: "Bearer t",
    traceparent: headers.traceparent,
    tracestate: "a=b",
    "x-request-id": "r1",
    "x-tenant": "blue",
  });
  expect(sent?.["x-key-bin"]).toEqual(Buffer.from([1, 2]));
  expect(Object.keys(sent ?? {})).not.toEqual(expect.arrayContaining(["cookie"]));
  expect(Object.keys(sent ?? {})).not.toEqual(expect.arrayContaining(["x-forwarded-for"]));
});

test("the backend is told whom the request comes from, after those who passed it on", async () => {
  const signal = AbortSignal.timeout(2000);
  const ask = (headers: Record<string, string>) =>
    transcoder.handle({ method: "GET", url: "/v1/things/1", headers, peer: "192.0.2.7", signal });
  await ask({});
  expect(things.lastCall()?.requestMetadata.get("x-forwarded-for")).toEqual(["192.0.2.7"]);
  await ask({ "x-forwarded-for": "203.0.113.9" });
  expect(things.lastCall()?.requestMetadata.get("x-forwarded-for")).toEqual(["203.0.113.9, 192.0.2.7"]);
});

test("the time that a client allows is the deadline of the call", async () => {
  const before = Date.now();
  await fetchThings(new Request("http://here/v1/things/1", { headers: { "grpc-timeout": "5S" } }));
  const deadline = things.lastCall()?.deadline ?? 0;
  expect(deadline).toBeGreaterThanOrEqual(before + 5000);
  expect(deadline).toBeLessThanOrEqual(Date.now() + 5000);
});

test("a web Request is answered by a web Response, streams too", async () => {
  const one = await fetchThings(
    new Request("http://here/v1/echo", {
      method: "POST",
      body: '{"text":"ü"}',
      headers: { "content-type": "application/json" },
    }),
  );
  expect(await one.json()).toEqual({ text: "ü" });
  const many = await fetchThings(new Request("http://here/v1/things/1:watch"));
  expect(await many.json()).toHaveLength(3);
  expect((await fetchThings(new Request("http://here/v1/echo", { method: "OPTIONS" }))).status).toBe(204);
});

for (const [what, response, expected] of [
  ["with defaults", { emitDefaults: true }, { name: "things/1", displayName: "", version: "0", tags: [], labels: {} }],
  ["with the contract's names", { emitDefaults: true, protoNames: true }, { display_name: "" }],
] as const) {
  test(`responses are written ${what}`, async () => {
    const { handle } = createTranscoder({ backends: [things], response });
    const answer = await toFetch(handle)(new Request("http://here/v1/things/1"));
    expect(await answer.json()).toMatchObject(expected);
  });
}

test("enums are written as numbers where that is asked for", async () => {
  const { handle } = createTranscoder({ backends: [things], response: { enumsAsNumbers: true } });
  const answer = await toFetch(handle)(new Request("http://here/v1/things:search?color=COLOR_GREEN"));
  expect(await answer.json()).toEqual({ color: 2 });
});

test("what is unknown is ignored where that is asked for", async () => {
  const request = { unknownParameters: "ignore", unknownFields: "ignore" } as const;
  const lenient = toFetch(createTranscoder({ backends: [things], request }).handle);
  const found = await lenient(new Request("http://here/v1/things:search?nope=1&text=a&text=b"));
  expect(await found.json()).toEqual({ text: "a" });
  const body = JSON.stringify({ nope: 1, text: "a" });
  const headers = { "content-type": "application/json" };
  expect(await (await lenient(new Request("http://here/v1/echo", { method: "POST", body, headers }))).json()).toEqual({
    text: "a",
  });
});

const REFUSALS = [200, 204, 400, 404, 405, 406, 415, 426, 499, 501, 504];
const odd = string({ unit: "binary", maxLength: 20 });
const path = oneof(
  array(oneof(constantFrom("v1", "things", "echo", "fail", "files", "%2F", "%", ":watch", ":search", ""), odd)).map(
    (words) => `/${words.join("/")}`,
  ),
  webUrl({ withQueryParameters: true }),
  odd,
);
const query = array(
  oneof(constantFrom("text=", "labels[", "]", "nested.", "longs=1", "&", "=", "%zz", "__proto__"), odd),
).map((parts) => parts.join(""));

async function* bytesOf(text: string) {
  yield Buffer.from(text);
}

test("whatever is asked for is answered, never by a fault of ours", async () => {
  await check(
    asyncProperty(constantFrom("GET", "POST", "PATCH"), path, query, odd, async (method, at, asked, text) => {
      const signal = AbortSignal.timeout(2000);
      const body = method === "GET" ? undefined : bytesOf(text);
      const answer = await transcoder.handle({ method, url: `${at}?${asked}`, headers: {}, body, signal });
      expect(REFUSALS).toContain(answer.status);
    }),
    { numRuns: 2000 },
  );
}, 120_000);

for (const [what, text] of [
  ["a hundred thousand lists in lists", "[".repeat(100_000)],
  ["objects in objects that end", `${'{"nested":'.repeat(200)}{}${"}".repeat(200)}`.replaceAll("nested", "deeper")],
  ["objects in a Value", `{"anything":${"[".repeat(200)}${"]".repeat(200)}}`],
] as const) {
  test(`nesting is bounded: ${what}`, async () => {
    const signal = AbortSignal.timeout(2000);
    const answer = await transcoder.handle({
      method: "POST",
      url: "/v1/echo",
      headers: {},
      body: bytesOf(text),
      signal,
    });
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining("JSON_INVALID") });
  });
}

test("a hundred thousand parameters are refused at once", async () => {
  const url = `/v1/things:search?${"words=a&".repeat(100_000)}`;
  const answer = await transcoder.handle({ method: "GET", url, headers: {}, signal: AbortSignal.timeout(2000) });
  expect(answer).toMatchObject({ status: 400, body: expect.stringContaining("more than 1000 parameters") });
});

test("of thousands of wrong fields some are told, and no value of any", async () => {
  const text = JSON.stringify({ longs: Array(50_000).fill("hunter2") });
  const signal = AbortSignal.timeout(5000);
  const answer = await transcoder.handle({ method: "POST", url: "/v1/echo", headers: {}, body: bytesOf(text), signal });
  expect(answer.status).toBe(400);
  expect(answer.body).not.toContain("hunter2");
  expect(JSON.parse(answer.body as string).details[1].fieldViolations).toHaveLength(20);
});

test("a backend that is not there is 503, and its address stays inside", async () => {
  const client = createClient(things.service, { target: "127.0.0.1:1" });
  const { handle } = createTranscoder({ backends: [{ service: things.service, client }] });
  const answer = await toFetch(handle)(new Request("http://here/v1/things/1", { headers: { "grpc-timeout": "5S" } }));
  client.close();
  expect(answer.status).toBe(503);
  expect(await answer.text()).not.toContain("127.0.0.1");
});
