import { afterAll, expect, test } from "vitest";
import { compileThings, createThings } from "./things-fixture.ts";
import { createTranscoder } from "./transcoder.ts";

const things = createThings({ service: compileThings() });
afterAll(() => things.close());

async function send(method: string, override: string, methodOverride?: boolean) {
  const { handle } = createTranscoder({ backends: [things], ...(methodOverride !== undefined && { methodOverride }) });
  const headers = { "x-http-method-override": override };
  const url = "/v1/things/1";
  const { status, body } = await handle({ method, url, headers, signal: AbortSignal.timeout(5000) });
  return { status, json: JSON.parse(String(body)) };
}

test("a POST is what it says it is, where that is asked for", async () => {
  expect(await send("POST", "PATCH", true)).toMatchObject({ status: 200, json: { thing: { name: "things/1" } } });
  expect(await send("POST", "GET", true)).toMatchObject({ status: 200, json: { name: "things/1" } });
});

test("by default it is a POST", async () => {
  expect(await send("POST", "PATCH")).toMatchObject({ status: 405 });
});

test("nothing but a POST is another method than it is", async () => {
  expect(await send("GET", "PATCH", true)).toMatchObject({ status: 200, json: { name: "things/1" } });
});

for (const method of ["CONNECT", "TRACE", "patch", "POST, PATCH", ""]) {
  test(`"${method}" is no method to override by`, async () => {
    expect(await send("POST", method, true)).toMatchObject({ status: 400 });
  });
}
