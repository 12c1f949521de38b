import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import {
  type Arbitrary,
  array,
  asyncProperty,
  check,
  constantFrom,
  integer,
  json,
  nat,
  oneof,
  type RunDetails,
  record,
  string,
  uint8Array,
} from "fast-check";
import { toNodeListener } from "../node-listener.ts";
import type { createThings } from "../things-fixture.ts";
import { createTranscoder } from "../transcoder.ts";
import { frame } from "../web-socket/socket-fixture.ts";
import { createWebSockets, type WebSocketEnd } from "../web-socket/web-sockets.ts";
import { type FuzzLimits, runsOf } from "./fuzz.ts";

/** What a stranger does with one connection. */
export interface HostileSocket {
  readonly path: string;
  readonly protocol: string;
  readonly pieces: readonly Uint8Array[];
  /** So he goes, once he has sent all: by the end of his side, or without a word. */
  readonly leaves: "end" | "destroy";
}

/** Who breaks rules is told by 1002, 1003, 1007 or 1009, and who asks for what is wrong by the code of gRPC. */
const CODES = [1000, 1002, 1003, 1005, 1007, 1009, 4001, 4003, 4004];
const TIMEOUT_MS = 30_000;

/**
 * Upgrades a connection, sends what no client would and leaves. What the server says is whole frames, of which the last may be a close
 * that blames the stranger; and every call is over when its connection is.
 */
export async function fuzzSockets(
  things: ReturnType<typeof createThings>,
  limits: FuzzLimits,
): Promise<RunDetails<[HostileSocket]>> {
  const transcoder = createTranscoder({ backends: [things], maxBodyBytes: 1000 });
  const ends: WebSocketEnd[] = [];
  const webSockets = createWebSockets({
    transcoder,
    observe: (request) => ({ request, run: (work) => work(), onEnd: (end) => void ends.push(end) }),
  });
  const server = createServer({ shouldUpgradeCallback: webSockets.takes }, toNodeListener(transcoder.handle))
    .on("upgrade", webSockets.upgrade)
    .listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await check(
      asyncProperty(hostileSockets, async (stranger) => {
        ends.length = 0;
        assertFrames(await visit(port, stranger));
        for (const late = performance.now() + TIMEOUT_MS; ends.length === 0; await turn()) {
          if (performance.now() > late) throw new Error("the call goes on without its client");
        }
      }),
      runsOf(limits),
    );
  } finally {
    webSockets.terminate();
    server.closeAllConnections();
    server.close();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** All that the server says after its 101. */
async function visit(port: number, { path, protocol, pieces, leaves }: HostileSocket): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1" });
  const said: Buffer[] = [];
  socket.on("data", (chunk) => said.push(chunk)).on("error", () => {});
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const closed = once(socket, "close", { signal });
  closed.catch(() => socket.destroy());
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: here\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n` +
      `sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
  );
  await once(socket, "data", { signal });
  for (const piece of pieces) {
    socket.write(piece);
    await turn();
  }
  if (leaves === "end") socket.end();
  else socket.destroy();
  await closed;
  const all = Buffer.concat(said);
  if (!all.toString("latin1").startsWith("HTTP/1.1 101 ")) throw new Error(`not upgraded: ${all}`);
  return all.subarray(all.indexOf("\r\n\r\n") + 4);
}

function assertFrames(said: Buffer): void {
  for (let at = 0; at + 2 <= said.length; ) {
    const short = (said[at + 1] as number) & 0x7f;
    const [start, length] = short < 126 ? [at + 2, short] : [at + 4, said.readUInt16BE(at + 2)];
    const code = length >= 2 ? said.readUInt16BE(start) : 1005;
    if (((said[at] as number) & 0x0f) === 8 && !CODES.includes(code)) {
      throw new Error(`closed with ${code}: ${said.toString("utf8", start + 2, start + length)}`);
    }
    at = start + length;
  }
}

const payloads = oneof(
  constantFrom("", "{}", '{"text":"a"}', '{"text":5}', "{", "x".repeat(1001)).map((text) => Buffer.from(text)),
  json().map((text) => Buffer.from(text)),
  string({ unit: "binary", maxLength: 20 }).map((text) => Buffer.from(text)),
  uint8Array({ maxLength: 130 }).map((bytes) => Buffer.from(bytes)),
);
const frames = record({
  opcode: oneof(constantFrom(0, 1, 1, 1, 2, 8, 9, 10), nat(15)),
  payload: payloads,
  fin: constantFrom(true, true, true, false),
}).map(frame);
const lies = record({ opcode: constantFrom(1, 2), payload: payloads, length: constantFrom(0, 5, 900, 2 ** 31) }).map(
  frame,
);

/** Frames as they are, or cut somewhere else than between them. */
const pieces = record({
  all: array(oneof({ weight: 8, arbitrary: frames }, lies, uint8Array({ maxLength: 20 })), { maxLength: 6 }),
  size: oneof(constantFrom(Number.POSITIVE_INFINITY), integer({ min: 1, max: 30 })),
}).map(({ all, size }) => {
  const bytes = Buffer.concat(all);
  if (size === Number.POSITIVE_INFINITY) return [bytes];
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
});

const hostileSockets: Arbitrary<HostileSocket> = record({
  path: constantFrom("/v1/things:chat", "/v1/things:record", "/v1/things/1:watch", "/v1/things/1:watch?nope=1"),
  protocol: constantFrom("transcoding.v1+json", "transcoding.v1+proto"),
  pieces,
  leaves: constantFrom("end", "destroy"),
});
