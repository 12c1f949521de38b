import { once } from "node:events";
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { credentials, Client as GrpcClient, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Client, createClient } from "./client.ts";
import { ClientCall } from "./client-call.ts";
import { createMetadata } from "./metadata.ts";
import { methodOf } from "./method.ts";
import { toClientInterceptor } from "./to-client-interceptor.ts";
import type { ClientListener, ClientTransportCall } from "./transport.ts";

// A server of HTTP/2 alone, that breaks the rules of gRPC as each test says.

let server: Http2Server;
let target: string;
let client: Client<typeof greeterv1.GreetingService>;
let respond: (stream: ServerHttp2Stream) => void;

beforeEach(async () => {
  server = createHttp2Server().on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume();
    respond(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createClient(greeterv1.GreetingService, { target });
});
afterEach(() => {
  client.close();
  server.close();
});

const message = (text: string): Buffer => {
  const body = toBinary(greeterv1.GreetResponseSchema, create(greeterv1.GreetResponseSchema, { message: text }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.byteLength, 1);
  return Buffer.concat([prefix, body]);
};

/** Answers with these bytes at once and then this status. */
function answerWith(body: Buffer, trailers: Record<string, string>, headers: Record<string, string> = {}): void {
  respond = (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...headers }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

/** What a reader of a stream of responses sees who takes a turn for each. */
async function readSlowly(): Promise<{ messages: string[]; end: string }> {
  const messages: string[] = [];
  try {
    for await (const { message } of client.listGreetings({ names: ["John"] }, { timeoutMs: 5000 })) {
      messages.push(message);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { messages, end: "OK" };
  } catch (error) {
    return { messages, end: error instanceof StatusError ? `${error.code}: ${error.message}` : String(error) };
  }
}

const THREE = Buffer.concat([message("one"), message("two"), message("three")]);
const NOT_FOUND = { "grpc-status": "5", "grpc-message": "no more" };

test("messages before an error status are read, and then the error", async () => {
  answerWith(THREE, NOT_FOUND);
  expect(await readSlowly()).toEqual({ messages: ["one", "two", "three"], end: "NOT_FOUND: no more" });
});

for (const [what, cut] of [
  ["a message", 2],
  ["the length of a message", message("three").length - 3],
] as const) {
  test(`a stream that breaks off within ${what} is no success`, async () => {
    answerWith(THREE.subarray(0, -cut), { "grpc-status": "0" });
    const end = "INTERNAL: the response ends within a message";
    expect(await readSlowly()).toEqual({ messages: ["one", "two"], end });
  });
}

test("an error status is worth more than where the stream breaks off", async () => {
  answerWith(THREE.subarray(0, -2), NOT_FOUND);
  expect(await readSlowly()).toEqual({ messages: ["one", "two"], end: "NOT_FOUND: no more" });
});

test("trailers that overtake messages on their way break nothing off", async () => {
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(50_000, "x"));
  answerWith(Buffer.concat(texts.map(message)), { "grpc-status": "0" });
  expect(await readSlowly()).toEqual({ messages: texts, end: "OK" });
});

test("an error status without a message is told as it is", async () => {
  answerWith(Buffer.alloc(0), NOT_FOUND);
  expect(await readSlowly()).toEqual({ messages: [], end: "NOT_FOUND: no more" });
});

test("two messages on a unary call are UNIMPLEMENTED", async () => {
  answerWith(THREE, { "grpc-status": "0" });
  await expect(client.greet({ name: "John" }, { timeoutMs: 5000 })).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
});

test("a message that does not decompress is INTERNAL", async () => {
  const flagged = Buffer.from(message("one"));
  flagged.writeUInt8(1);
  answerWith(flagged, { "grpc-status": "0" }, { "grpc-encoding": "gzip" });
  await expect(client.greet({ name: "John" }, { timeoutMs: 5000 })).rejects.toMatchObject({ code: "INTERNAL" });
});

test("a stream that the server resets as the deadline comes is DEADLINE_EXCEEDED", async () => {
  let listener: ClientListener | undefined;
  const transport: ClientTransportCall = {
    start(_, to) {
      listener = to;
    },
    startRead() {},
    sendMessageWithContext() {},
    halfClose() {},
    cancelWithStatus() {},
    getPeer: () => "",
  };
  const call = new ClientCall({
    method: methodOf(greeterv1.GreetingService.method.chatGreetings),
    interceptors: [],
    deadline: Date.now() + 3,
    open: () => transport,
    onError() {},
  });
  const told = new Promise((resolve) => call.start(createMetadata(), { onReceiveStatus: resolve }));
  listener?.onReceiveStatus({ code: 1, details: "Call cancelled" });
  expect(await told).toMatchObject({ code: 4 });
});

/** A stream of responses, and a call with one, on a client of grpc-js's own. */
function native(options: { interceptors?: ReturnType<typeof toClientInterceptor>[] }) {
  const grpc = new GrpcClient(target, credentials.createInsecure(), options);
  const bytes = (value: Buffer) => value;
  const deadline = () => ({ deadline: Date.now() + 1000 });
  return {
    async stream(): Promise<{ messages: number; code: number }> {
      const stream = grpc.makeServerStreamRequest("/x.X/Many", bytes, bytes, Buffer.alloc(0), deadline());
      let messages = 0;
      stream.on("data", () => {
        messages += 1;
        stream.pause();
        setImmediate(() => stream.resume());
      });
      stream.on("error", () => {});
      const [status] = await Promise.all([
        new Promise<StatusObject>((resolve) => stream.on("status", resolve)),
        new Promise((resolve) => stream.on("end", resolve)),
      ]);
      return { messages, code: status.code };
    },
    unary: () =>
      new Promise<number>((resolve) => {
        const done = (error: ServiceError | null) => resolve(error?.code ?? 0);
        grpc.makeUnaryRequest("/x.X/One", bytes, bytes, Buffer.alloc(0), deadline(), done);
      }),
    close: () => grpc.close(),
  };
}

test("a client of grpc-js's own is defended by the interceptor, and left alone without it", async () => {
  const [defended, bare] = [native({ interceptors: [toClientInterceptor([])] }), native({})];
  answerWith(Buffer.concat(Array.from({ length: 20 }, () => THREE)), NOT_FOUND);
  expect(await defended.stream()).toEqual({ messages: 60, code: 5 });
  expect((await bare.stream()).messages).toBeLessThan(60);
  answerWith(THREE.subarray(0, -2), { "grpc-status": "0" });
  expect(await defended.stream()).toEqual({ messages: 2, code: 13 });
  expect(await bare.stream()).toEqual({ messages: 2, code: 0 });
  answerWith(THREE, { "grpc-status": "0" });
  expect(await defended.unary()).toBe(12);
  expect(await bare.unary()).toBe(4); // it hangs until its deadline
  defended.close();
  bare.close();
});
