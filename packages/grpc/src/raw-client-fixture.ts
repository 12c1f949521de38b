import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { createConnection } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";

// For tests: what a client of another make, or none at all, can send to a server.

export const GREET = "/greeter.v1.GreetingService/Greet";
export const RECORD = "/greeter.v1.GreetingService/RecordGreetings";

/** A length-prefixed message. */
export const frame = (bytes: Uint8Array, flag = 0): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag);
  prefix.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([prefix, bytes]);
};

/** A request of Greet, with its prefix. */
export const john = frame(
  toBinary(greeterv1.GreetRequestSchema, create(greeterv1.GreetRequestSchema, { name: "John" })),
);

/** A connection of HTTP/2 alone. */
export async function connectRaw(port: number) {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  await once(session, "connect");
  const request = (headers: Record<string, string>) =>
    session.request({
      ":method": "POST",
      ":path": GREET,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
  return {
    session,
    /** One request, and all headers and trailers that came back. */
    send(headers: Record<string, string>, body: Buffer): Promise<IncomingHttpHeaders & { body: Buffer }> {
      return new Promise((resolve, reject) => {
        const stream = request(headers);
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
    },
    /** An upload of one message, ended and reset in one turn, as a Node client cancels it. */
    async cancelUpload(): Promise<void> {
      const stream = request({ ":path": RECORD });
      stream.on("error", () => {});
      stream.write(john);
      await new Promise((resolve) => setImmediate(resolve));
      stream.end();
      stream.close(8);
      await once(stream, "close");
    },
    /** Calls that are reset as they are made. */
    async resetCalls(count: number): Promise<void> {
      for (let i = 0; i < count && !session.destroyed; i++) {
        const stream = request({ ":path": RECORD });
        stream.on("error", () => {});
        stream.close(8);
        if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

/** A call with two authorization headers, frame by frame because node:http2 sends no second one; resolves when it is written. */
export async function sendTwoTokens(port: number): Promise<() => void> {
  const socket = createConnection(port, "127.0.0.1").on("error", () => {});
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
  return () => socket.destroy();
}

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
