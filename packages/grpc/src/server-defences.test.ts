import { once } from "node:events";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { createConnection } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Call } from "./call.ts";
import { implement } from "./handlers.ts";
import { createServer, type Server } from "./server.ts";

// Each test fails where grpc-js is left to itself (or its private fields are no longer what the defences take them for).

let server: Server;
let port: number;
let session: ClientHttp2Session;
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
      implement(greeterv1.GreetingService, {
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
  session = connect(`http://127.0.0.1:${port}`);
  await once(session, "connect");
});
afterEach(async () => {
  session.close();
  await server.close({ graceMs: 0 });
});

const GREET = "/greeter.v1.GreetingService/Greet";
const RECORD = "/greeter.v1.GreetingService/RecordGreetings";

const frame = (bytes: Uint8Array, flag = 0): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag);
  prefix.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([prefix, bytes]);
};
const john = frame(toBinary(greeterv1.GreetRequestSchema, create(greeterv1.GreetRequestSchema, { name: "John" })));

/** One HTTP/2 request as a client of another make could send it, and all headers and trailers that came back. */
function send(headers: Record<string, string>, body: Buffer): Promise<IncomingHttpHeaders & { body: Buffer }> {
  return new Promise((resolve, reject) => {
    const base = { ":method": "POST", ":path": GREET, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request({ ...base, ...headers });
    const seen = { body: Buffer.alloc(0) } as IncomingHttpHeaders & { body: Buffer };
    stream.setTimeout(5000, () => stream.destroy(new Error("no answer in time")));
    stream.on("response", (response) => Object.assign(seen, response));
    stream.on("trailers", (trailers) => Object.assign(seen, trailers));
    stream.on("data", (chunk) => {
      seen.body = Buffer.concat([seen.body, chunk]);
    });
    stream.on("error", reject);
    stream.on("close", () => resolve(seen));
    stream.end(body);
  });
}

test("a plain call gets its answer, without a message for OK", async () => {
  const answer = await send({}, john);
  expect(answer).toMatchObject({ ":status": 200, "grpc-status": "0", "grpc-message": "" });
  expect(answer.body.toString()).toContain("Hello John");
});

test("an unknown method is UNIMPLEMENTED and seen by the interceptors", async () => {
  expect(await send({ ":path": "/no.such.Service/Method" }, john)).toMatchObject({ "grpc-status": "12" });
  expect(calls).toMatchObject([{ path: "/no.such.Service/Method", code: "UNIMPLEMENTED" }]);
});

for (const [timeout, what] of [
  ["99999999H", "11,000 years"],
  ["2147484S", "just over 2^31 ms"],
] as const) {
  test(`a deadline of ${what} is far, not past`, async () => {
    expect(await send({ "grpc-timeout": timeout }, john)).toMatchObject({ "grpc-status": "0" });
    expect(calls[0]?.deadline).toBeGreaterThan(Date.now() + 20 * 24 * 3_600_000);
  });
}

test("a deadline of a nanosecond has passed", async () => {
  expect(await send({ "grpc-timeout": "1n" }, john)).toMatchObject({ "grpc-status": "4" });
});

for (const timeout of ["soon", "1", "123456789S", "-1S"]) {
  test(`grpc-timeout "${timeout}" is malformed: INTERNAL`, async () => {
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

test("an unknown encoding is UNIMPLEMENTED, also for a message that is not compressed", async () => {
  expect(await send({ "grpc-encoding": "snappy" }, john)).toMatchObject({ "grpc-status": "12" });
});

/** An HTTP/2 frame (RFC 9113, 4.1) on stream 1, or 0 for the connection. */
const http2Frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
/** A header as a literal without indexing (RFC 7541, 6.2.2). */
const literal = (name: string, value: string): Buffer =>
  Buffer.from([0, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value)]);

test("two authorization headers are UNAUTHENTICATED: which of them counts is not ours to choose", async () => {
  // frame by frame, because node:http2 sends no second one
  const socket = createConnection(port, "127.0.0.1");
  const headers = Object.entries({
    ":method": "POST",
    ":scheme": "http",
    ":path": GREET,
    ":authority": "x",
    te: "trailers",
  });
  const tokens = ["Bearer a", "Bearer b"].map((token) => literal("authorization", token));
  const block = [...headers.map(([k, v]) => literal(k, v)), literal("content-type", "application/grpc"), ...tokens];
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(http2Frame(4, 0, 0, Buffer.alloc(0)));
  socket.write(http2Frame(1, 4, 1, Buffer.concat(block)));
  socket.write(http2Frame(0, 1, 1, john));
  await expect.poll(() => calls, { timeout: 5000 }).toMatchObject([{ path: GREET, code: "UNAUTHENTICATED" }]);
  socket.destroy();
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

test("a gzip bomb is RESOURCE_EXHAUSTED before it is in memory", async () => {
  const bomb = frame(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 1);
  expect(await send({ "grpc-encoding": "gzip" }, bomb)).toMatchObject({ "grpc-status": "8" });
});

test("an upload that breaks off within a message is not taken for complete", async () => {
  const answer = await send({ ":path": RECORD }, Buffer.concat([john, john.subarray(0, 7)]));
  expect(answer).toMatchObject({ "grpc-status": "13" });
  expect(calls).toMatchObject([{ code: "INTERNAL", uploaded: 0 }]);
});

test("an upload that is cancelled is not taken for complete", async () => {
  const stream = session.request({
    ":method": "POST",
    ":path": RECORD,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.write(john);
  await new Promise((resolve) => setImmediate(resolve));
  stream.end();
  stream.close(8);
  await new Promise((resolve) => stream.once("close", resolve));
  await expect.poll(() => calls, { timeout: 2000 }).toMatchObject([{ code: "CANCELLED", uploaded: 0 }]);
});

test("bytes that do not decode are INTERNAL", async () => {
  const garbage = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b]);
  expect(await send({}, frame(garbage))).toMatchObject({ "grpc-status": "13" });
});

test("invalid UTF-8 in a string is INTERNAL", async () => {
  expect(await send({}, frame(Buffer.from([0x0a, 0x02, 0xc3, 0x28])))).toMatchObject({ "grpc-status": "13" });
});

test("a message of 4 MiB and a byte is RESOURCE_EXHAUSTED", async () => {
  expect(await send({}, frame(Buffer.alloc(4 * 1024 * 1024 + 1)))).toMatchObject({ "grpc-status": "8" });
});

test("two messages on a unary call are UNIMPLEMENTED", async () => {
  expect(await send({}, Buffer.concat([john, john]))).toMatchObject({ "grpc-status": "12" });
});

test("no message on a unary call is UNIMPLEMENTED", async () => {
  expect(await send({}, Buffer.alloc(0))).toMatchObject({ "grpc-status": "12" });
});

for (const kib of [16, 60]) {
  test(`${kib} KiB of metadata are RESOURCE_EXHAUSTED, seen by the interceptors`, async () => {
    expect(await send({ "x-large": "a".repeat(kib * 1024) }, john)).toMatchObject({ "grpc-status": "8" });
    expect(calls).toMatchObject([{ code: "RESOURCE_EXHAUSTED" }]);
  });
}

test("a connection survives 3,000 cancelled calls", async () => {
  for (let i = 0; i < 3000; i++) {
    const stream = session.request({
      ":method": "POST",
      ":path": RECORD,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    stream.close(8);
    if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await send({}, john)).toMatchObject({ "grpc-status": "0" });
});
