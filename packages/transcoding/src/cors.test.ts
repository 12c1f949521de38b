import { afterAll, expect, test } from "vitest";
import { createOrigins, withCors } from "./cors.ts";
import { toFetch } from "./fetch-handler.ts";
import { compileThings, createThings } from "./things-fixture.ts";
import { createTranscoder } from "./transcoder.ts";

const things = createThings({ service: compileThings() });
afterAll(() => things.close());
const { handle } = createTranscoder({ backends: [things] });
const APP = "https://app.example";

const send = (origins: string[], method: string, headers: Record<string, string>) =>
  toFetch(withCors(createOrigins(origins), handle))(
    new Request("http://here/v1/things:search?text=a", { method, headers }),
  );
const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary"));

const preflight = {
  "access-control-request-method": "PATCH",
  "access-control-request-headers": "authorization,x-grpc-web",
};

test("without origins nothing is added, and OPTIONS is what it always is", async () => {
  expect(corsOf(await send([], "GET", { origin: APP }))).toEqual({});
  const options = await send([], "OPTIONS", { origin: APP, ...preflight });
  expect([options.headers.get("allow"), corsOf(options)]).toEqual(["GET, HEAD, OPTIONS", {}]);
});

test("a page of a named origin may call, and read every header", async () => {
  const response = await send([APP], "GET", { origin: APP });
  expect(await response.json()).toEqual({ text: "a" });
  expect(corsOf(response)).toEqual({
    "access-control-allow-origin": APP,
    "access-control-expose-headers": "grpc-metadata-x-place, grpc-trailer-x-end, x-request-id",
    vary: "origin",
  });
});

test("a preflight is answered for any header, without a call", async () => {
  const before = things.lastCall();
  const response = await send([APP], "OPTIONS", { origin: APP, ...preflight });
  expect(response.status).toBe(204);
  expect(corsOf(response)).toEqual({
    "access-control-allow-origin": APP,
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "authorization,x-grpc-web",
    "access-control-max-age": "7200",
    vary: "origin, access-control-request-method, access-control-request-headers",
  });
  expect(things.lastCall()).toBe(before);
});

for (const origin of ["https://app.example.evil.example", "http://app.example", "https://app.example:8443", "null"]) {
  test(`a page of ${origin} reads nothing where it is not named`, async () => {
    expect(corsOf(await send([APP], "GET", { origin }))).toEqual({ vary: "origin" });
    const refused = await send([APP], "OPTIONS", { origin, ...preflight });
    expect(refused.status).toBe(403);
    expect(refused.headers.get("access-control-allow-origin")).toBe(null);
    expect(await refused.json()).toMatchObject({ details: [{ reason: "ORIGIN_NOT_ALLOWED" }] });
  });
}

test("all origins may where all are named, and never with credentials", async () => {
  const response = await send(["*"], "GET", { origin: "https://any.example" });
  expect(corsOf(response)).toMatchObject({ "access-control-allow-origin": "*" });
  expect(response.headers.get("vary")).toBe(null);
  for (const origins of [["*"], [APP]]) {
    const answers = [
      await send(origins, "GET", { origin: APP }),
      await send(origins, "OPTIONS", { origin: APP, ...preflight }),
    ];
    for (const { headers } of answers) expect(headers.get("access-control-allow-credentials")).toBe(null);
  }
});

test("what is answered without an origin varies by it, for caches", async () => {
  expect(corsOf(await send([APP], "GET", {}))).toEqual({ vary: "origin" });
});

test("a list of headers that is none is not repeated", async () => {
  const response = await send([APP], "OPTIONS", {
    origin: APP,
    "access-control-request-method": "GET",
    "access-control-request-headers": "a b",
  });
  expect(response.headers.get("access-control-allow-headers")).toBe(null);
});

for (const name of [
  "app.example",
  "https://app.example/",
  "https://app.example/path",
  "HTTPS://APP.example",
  "null",
  "",
]) {
  test(`"${name}" is no origin`, () => expect(() => createOrigins([name])).toThrow(TypeError));
}

test("all origins stand alone", () => expect(() => createOrigins(["*", APP])).toThrow("none is named beside it"));
