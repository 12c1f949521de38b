import { gzipSync } from "node:zlib";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { expect, test } from "vitest";
import { within } from "../things-port-fixture.ts";
import { baseUrl } from "./connect-fixture.ts";

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
  fetch(baseUrl + path, { method: "POST", body, headers, signal: within() });
const GREET = "/greeter.v1.GreetingService/Greet";

test("Connect by plain fetch", async () => {
  const response = await post(GREET, '{"name":"Ada"}', { "content-type": "application/json" });
  expect([response.status, await response.json()]).toEqual([200, { message: "Hello Ada" }]);
  expect(response.headers.get("trailer-x-end")).toBe("there");
  const query = new URLSearchParams({ connect: "v1", encoding: "json", message: '{"name":"Ada"}' });
  const got = await fetch(`${baseUrl}${GREET}?${query}`, { signal: within() });
  expect([got.status, await got.json()]).toEqual([200, { message: "Hello Ada" }]);
});

/** One frame of gRPC-Web. */
function framed(message: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

const request = (name: string) =>
  framed(toBinary(greeterv1.GreetRequestSchema, { $typeName: "greeter.v1.GreetRequest", name }));

for (const [what, body] of [
  ["whole", request("Ada").toString("base64")],
  [
    "in two parts, each with its padding",
    `${request("Ada").subarray(0, 4).toString("base64")}${request("Ada").subarray(4).toString("base64")}`,
  ],
] as const) {
  test(`gRPC-Web in text, ${what}`, async () => {
    const response = await post(GREET, body, { "content-type": "application/grpc-web-text" });
    expect(response.headers.get("content-type")).toBe("application/grpc-web-text+proto");
    const text = await response.text();
    const bytes = Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, "base64")));
    const length = bytes.readUInt32BE(1);
    expect(fromBinary(greeterv1.GreetResponseSchema, bytes.subarray(5, 5 + length)).message).toBe("Hello Ada");
    const trailers = bytes.subarray(5 + length);
    expect(trailers[0]).toBe(0x80);
    expect(trailers.subarray(5).toString()).toMatch(/grpc-status: 0\r\n/);
  });
}

for (const [what, path, type, body, status] of [
  ["a type that is none of theirs", GREET, "text/plain", "{}", 415],
  ["JSON that is none", GREET, "application/json", "{", 400],
  ["bytes that are no message", GREET, "application/proto", "\0", 400],
  ["an unknown field", GREET, "application/json", '{"nope":1}', 400],
  ["gRPC itself, which needs HTTP/2", GREET, "application/grpc", "", 415],
  ["a method that talks both ways", "/greeter.v1.GreetingService/ChatGreetings", "application/connect+json", "", 426],
  ["a method that is not there", "/greeter.v1.GreetingService/Nope", "application/json", "{}", 404],
  ["a service that is not there", "/grpc.health.v1.Health/Check", "application/json", "{}", 404],
  ["a compression that is not known", GREET, "application/json", "{}", 501],
] as const) {
  test(`${what} is ${status}`, async () => {
    const encoding = status === 501 ? { "content-encoding": "snappy" } : {};
    const response = await post(path, body, { "content-type": type, ...encoding });
    expect(response.status).toBe(status);
    await response.text();
  });
}

test("what has side effects is not to be had by GET", async () => {
  const path = "/greeter.v1.GreetingService/RecordGreetings";
  const response = await fetch(`${baseUrl}${path}?connect=v1&encoding=json&message={}`, { signal: within() });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  await response.text();
});

test("a bomb is refused before it has grown", async () => {
  const bomb = gzipSync(Buffer.alloc(5_000_000, " "));
  expect(bomb.byteLength).toBeLessThan(10_000);
  const response = await post(GREET, new Uint8Array(bomb), {
    "content-type": "application/json",
    "content-encoding": "gzip",
  });
  expect(await response.json()).toMatchObject({ code: "resource_exhausted" });
});

for (const [what, headers, code] of [
  ["a timeout that is none", { "connect-timeout-ms": "soon" }, "invalid_argument"],
  ["a timeout of more than 24 days", { "connect-timeout-ms": "9999999999" }, "invalid_argument"],
  ["metadata that is no base64", { "x-key-bin": "?" }, "invalid_argument"],
] as const) {
  test(`${what} is ${code}`, async () => {
    const response = await post(GREET, '{"name":"Ada"}', { "content-type": "application/json", ...headers });
    expect(await response.json()).toMatchObject({ code });
  });
}

for (const type of ["application/grpc-web", "application/grpc-web-text"]) {
  test(`a frame of ${type} that is cut off, or says it is large, is refused`, async () => {
    const text = type.endsWith("text");
    for (const bytes of [Buffer.from([0, 0, 0, 0, 9, 1]), Buffer.from([0, 255, 255, 255, 255])]) {
      const response = await post(GREET, text ? bytes.toString("base64") : new Uint8Array(bytes), {
        "content-type": type,
      });
      const answer = await response.text();
      expect(text ? Buffer.from(answer, "base64").toString() : answer).toMatch(/grpc-status: (?:3|8)\r\n/);
    }
  });
}

test("a body that does not come in time ends the call", async () => {
  const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("{")) });
  const response = await fetch(baseUrl + GREET, {
    method: "POST",
    body,
    duplex: "half",
    headers: { "content-type": "application/json" },
    signal: within(),
  });
  expect(await response.json()).toMatchObject({ code: "deadline_exceeded" });
});

test("everything else is the transcoder's", async () => {
  const response = await fetch(`${baseUrl}/v1/greetings?names=Ada`, { signal: within() });
  expect(await response.json()).toEqual([{ message: "Hello Ada" }]);
});
