import { gzipSync } from "node:zlib";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { implementPart } from "@tenon/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Call } from "./call.ts";
import { connectRaw, frame, GREET, john, RECORD, sendTwoTokens } from "./raw-client-fixture.ts";
import { createServer, type Server } from "./server.ts";

// Each test fails where grpc-js is left to itself (or its private fields are no longer what the defences take them for).

let server: Server;
let port: number;
let client: Awaited<ReturnType<typeof connectRaw>>;
let calls: { path: string; code: string; deadline: number; uploaded: number }[];

beforeEach(async () => {
  calls = [];
  let uploaded = 0;
  server = createServer({
    interceptors: [
      (call: Call) => ({
        onEnd: ({ code }) => void calls.push({ path: call.method.path, code, deadline: call.deadline, uploaded }),
      }),
    ],
    services: [
      implementPart(greeterv1.GreetingService, {
        greet: async ({ name }) => ({ message: `Hello ${name}` }),
        async *listGreetings() {},
        async recordGreetings(requests) {
          let count = 0;
          for await (const _ of requests) count += 1;
          uploaded = count;
          return { count };
        },
        async *chatGreetings() {},
      }),
    ],
  });
  port = await server.listen({ host: "127.0.0.1", port: 0 });
  client = await connectRaw(port);
});
afterEach(async () => {
  client.session.close();
  await server.close({ graceMs: 0 });
});

const send = (headers: Record<string, string>, body: Buffer) => client.send(headers, body);

test("a plain call gets its answer, without a message for OK", async () => {
  const answer = await send({}, john);
  expect(answer).toMatchObject({ ":status": 200, "grpc-status": "0", "grpc-message": "" });
  expect(answer.body.toString()).toContain("Hello John");
});

test("54: an unknown method is UNIMPLEMENTED and seen by the interceptors", async () => {
  expect(await send({ ":path": "/no.such.Service/Method" }, john)).toMatchObject({ "grpc-status": "12" });
  expect(calls).toMatchObject([{ path: "/no.such.Service/Method", code: "UNIMPLEMENTED" }]);
});

for (const [timeout, what] of [
  ["99999999H", "11,000 years"],
  ["2147484S", "just over 2^31 ms"],
] as const) {
  test(`48: a deadline of ${what} is far, not past`, async () => {
    expect(await send({ "grpc-timeout": timeout }, john)).toMatchObject({ "grpc-status": "0" });
    expect(calls[0]?.deadline).toBeGreaterThan(Date.now() + 20 * 24 * 3_600_000);
  });
}

test("48: a deadline of a nanosecond has passed", async () => {
  expect(await send({ "grpc-timeout": "1n" }, john)).toMatchObject({ "grpc-status": "4" });
});

for (const timeout of ["soon", "1", "123456789S", "-1S"]) {
  test(`48: grpc-timeout "${timeout}" is malformed: INTERNAL`, async () => {
    expect(await send({ "grpc-timeout": timeout }, john)).toMatchObject({ "grpc-status": "13" });
  });
}

for (const type of ["application/json", "application/grpc+json", "application/grpcx"]) {
  test(`content-type ${type} is 415`, async () => {
    expect(await send({ "content-type": type }, john)).toMatchObject({ ":status": 415 });
  });
}

test("a GET is refused", async () => {
  expect(await send({ ":method": "GET" }, Buffer.alloc(0)).catch(() => ({ ":status": 415 }))).toMatchObject({
    ":status": 415,
  });
});

test("54: an unknown encoding is UNIMPLEMENTED, also for a message that is not compressed", async () => {
  expect(await send({ "grpc-encoding": "snappy" }, john)).toMatchObject({ "grpc-status": "12" });
});

test("two authorization headers are UNAUTHENTICATED: which of them counts is not ours to choose", async () => {
  const close = await sendTwoTokens(port);
  await expect.poll(() => calls, { timeout: 5000 }).toMatchObject([{ path: GREET, code: "UNAUTHENTICATED" }]);
  close();
});

test("a compressed flag without an encoding is INTERNAL", async () => {
  const answer = await send({}, frame(gzipSync(john.subarray(5)), 1));
  expect(answer).toMatchObject({ "grpc-status": "13" });
  expect(calls).toMatchObject([{ code: "INTERNAL" }]);
});

test("a flag that gRPC does not know is INTERNAL", async () => {
  expect(await send({ "grpc-encoding": "gzip" }, frame(john.subarray(5), 2))).toMatchObject({ "grpc-status": "13" });
});

test("a compressed message with its encoding is read", async () => {
  expect(await send({ "grpc-encoding": "gzip" }, frame(gzipSync(john.subarray(5)), 1))).toMatchObject({
    "grpc-status": "0",
  });
});

test("54: a gzip bomb is RESOURCE_EXHAUSTED before it is in memory", async () => {
  const bomb = frame(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 1);
  expect(await send({ "grpc-encoding": "gzip" }, bomb)).toMatchObject({ "grpc-status": "8" });
});

test("54: an upload that breaks off within a message is not taken for complete", async () => {
  const answer = await send({ ":path": RECORD }, Buffer.concat([john, john.subarray(0, 7)]));
  expect(answer).toMatchObject({ "grpc-status": "13" });
  expect(calls).toMatchObject([{ code: "INTERNAL", uploaded: 0 }]);
});

test("an upload that is cancelled is not taken for complete", async () => {
  await client.cancelUpload();
  await expect.poll(() => calls, { timeout: 2000 }).toMatchObject([{ code: "CANCELLED", uploaded: 0 }]);
});

test("54: bytes that do not decode are INTERNAL", async () => {
  const garbage = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b]);
  expect(await send({}, frame(garbage))).toMatchObject({ "grpc-status": "13" });
});

const johnAnd = (...bytes: Uint8Array[]) => frame(Buffer.concat([john.subarray(5), ...bytes]));
const groups = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x7b), Buffer.alloc(depth, 0x7c)]);
for (const [what, headers, body, code] of [
  ["an unknown field", {}, johnAnd(Buffer.from([0x78, 1])), "0"],
  ["the name as a number", {}, frame(Buffer.from([0x08, 1])), "13"],
  ["a wire type that there is not", {}, johnAnd(Buffer.from([0x7e])), "13"],
  ["a field that is longer than the message", {}, frame(Buffer.from([0x0a, 0x7f, 0x41])), "13"],
  ["groups 50 deep in an unknown field", {}, johnAnd(groups(50)), "0"],
  ["groups 500,000 deep in an unknown field", {}, johnAnd(groups(500_000)), "13"],
  ["a -bin header that is no base64", { "trace-bin": "%%not base64%%" }, john, "0"],
  ["details of an error that are no base64", { "grpc-status-details-bin": "=====" }, john, "0"],
] as const) {
  test(`54: ${what} is ${code === "0" ? "let through" : "INTERNAL"}, and the next call is answered`, async () => {
    expect(await send(headers, body)).toMatchObject({ "grpc-status": code });
    expect(await send({}, john)).toMatchObject({ "grpc-status": "0" });
  });
}

test("54: invalid UTF-8 in a string is INTERNAL", async () => {
  expect(await send({}, frame(Buffer.from([0x0a, 0x02, 0xc3, 0x28])))).toMatchObject({ "grpc-status": "13" });
});

/** Of a string, field 1, under the wire types of others. */
for (const [what, bytes] of [
  ["a varint", [0x08, 0x96, 0x01]],
  ["eight bytes", [0x09, 1, 2, 3, 4, 5, 6, 7, 8]],
  ["a group", [0x0b, 0x0c]],
  ["four bytes", [0x0d, 1, 2, 3, 4]],
  ["a wire type that there is not", [0x0e, 1]],
] as const) {
  test(`54: ${what} where the contract has a string is INTERNAL, and no name`, async () => {
    expect(await send({}, frame(Buffer.from(bytes)))).toMatchObject({ "grpc-status": "13" });
  });
}

for (const [what, opened, closed] of [
  ["that end", 1_000_000, 1_000_000],
  ["without end", 4_000_000, 0],
] as const) {
  test(`54: groups in groups ${what}, as deep as a message can hold, are INTERNAL, and the server goes on`, async () => {
    const [START, END] = [0x13, 0x14]; // of a field that is unknown
    const nested = Buffer.concat([Buffer.alloc(opened, START), Buffer.alloc(closed, END)]);
    expect(await send({}, frame(nested))).toMatchObject({ "grpc-status": "13" });
    expect(await send({}, john)).toMatchObject({ "grpc-status": "0" });
  });
}

test("54: a message of 4 MiB and a byte is RESOURCE_EXHAUSTED", async () => {
  expect(await send({}, frame(Buffer.alloc(4 * 1024 * 1024 + 1)))).toMatchObject({ "grpc-status": "8" });
});

test("two messages on a unary call are UNIMPLEMENTED", async () => {
  expect(await send({}, Buffer.concat([john, john]))).toMatchObject({ "grpc-status": "12" });
});

test("no message on a unary call is UNIMPLEMENTED", async () => {
  expect(await send({}, Buffer.alloc(0))).toMatchObject({ "grpc-status": "12" });
});

for (const kib of [16, 60]) {
  test(`54: ${kib} KiB of metadata are RESOURCE_EXHAUSTED, seen by the interceptors`, async () => {
    expect(await send({ "x-large": "a".repeat(kib * 1024) }, john)).toMatchObject({ "grpc-status": "8" });
    expect(calls).toMatchObject([{ code: "RESOURCE_EXHAUSTED" }]);
  });
}

test("54: a connection survives 3,000 cancelled calls", async () => {
  await client.resetCalls(3000);
  expect(await send({}, john)).toMatchObject({ "grpc-status": "0" });
});
