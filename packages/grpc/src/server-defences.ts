import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { type Server as GrpcServer, type ServerInterceptingCallInterface, status } from "@grpc/grpc-js";
import type { Method } from "./call.ts";
import { MessageFraming } from "./message-framing.ts";
import { hasBadCertificate } from "./tls.ts";

// Where grpc-js departs from gRPC, or lets one client harm others, and offers no public way to mend it. All uses of its
// private fields are here; server-defences.test.ts fails when one of them is no longer what it is taken for.

interface Privates {
  commonServerOptions: {
    streamResetBurst?: number;
    streamResetRate?: number;
    maxHeaderListPairs?: number;
    settings?: object;
  };
  handlers: Map<string, unknown>;
  http2Servers: Map<Http2Server, unknown>;
}

const privatesOf = (server: GrpcServer): Privates => server as unknown as Privates;

/** Every expired deadline of a client is a reset; 100 a second from one connection are an attack no more. */
const RESET_BURST = 10_000;
const RESETS_PER_SECOND = 1_000;

/** What HTTP/2 itself takes of one request's headers; nghttp2 takes no more. */
const MAX_HEADER_LIST_BYTES = 64 * 1024;

/**
 * nghttp2 ends a connection with INTERNAL_ERROR, and with it all of its calls, after 1,000 resets and 33 a second. Set
 * before the server is bound.
 */
export function raiseResetLimits(server: GrpcServer): void {
  const options = privatesOf(server).commonServerOptions;
  options.streamResetBurst = RESET_BURST;
  options.streamResetRate = RESETS_PER_SECOND;
  // above our own limit, so that the stream is answered and not merely reset
  options.settings = { ...options.settings, maxHeaderListSize: MAX_HEADER_LIST_BYTES };
}

const unreachable = () => {
  throw new Error("grpc-js drives a call that is not its own");
};
const identity = (bytes: Buffer) => bytes;

/** Hands every path to the interceptors, known or not: grpc-js answers unknown methods before them, unseen by log and metrics. */
export function openHandlers(server: GrpcServer, methods: readonly Method[]): void {
  const { handlers } = privatesOf(server);
  const entryFor = (path: string) => ({
    func: unreachable,
    serialize: identity,
    deserialize: identity,
    type: "bidi",
    path,
  });
  for (const { path } of methods) handlers.set(path, entryFor(path));
  const known = handlers.get.bind(handlers);
  handlers.get = (path) => known(path) ?? entryFor(path);
}

/** Looks at each stream before grpc-js does. For a server that is bound. */
export function defendHttp2(server: GrpcServer): void {
  for (const http2Server of privatesOf(server).http2Servers.keys()) {
    if (http2Server.listeners("stream").includes(inspectStream)) continue;
    http2Server.prependListener("stream", inspectStream);
    http2Server.prependListener("secureConnection", inspectCertificate);
  }
}

function inspectCertificate(socket: TLSSocket): void {
  if (hasBadCertificate(socket)) socket.destroy();
}

/** The size of each stream's headers as HTTP/2 counts it (RFC 9113, 6.5.2). */
const headerBytes = new WeakMap<object, number>();

/** How large a call's metadata is, with the headers that it came in; 0 where it is not known. */
export const metadataBytesOf = (call: ServerInterceptingCallInterface): number =>
  headerBytes.get((call as unknown as { stream: ServerHttp2Stream }).stream) ?? 0;

const CONTENT_TYPE = /^application\/grpc(\+proto)?($|;)/;
const ENCODINGS = new Set(["identity", "gzip", "deflate"]);
/** 24 days in each unit of grpc-timeout: grpc-js takes longer ones for deadlines that have passed. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1000;
const UNIT_MS: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

function inspectStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const isCall = headers[":method"] === "POST" && CONTENT_TYPE.test(headers["content-type"] ?? "");
  if (!isCall) {
    headers["content-type"] = "application/refused"; // grpc-js answers 415
    return;
  }
  let bytes = 0;
  for (const name in headers) bytes += name.length + String(headers[name]).length + 32;
  headerBytes.set(stream, bytes);
  clampTimeout(headers);
  const encoding = String(headers["grpc-encoding"] ?? "identity");
  // grpc-js would look at the encoding with the first compressed message only
  if (!ENCODINGS.has(encoding)) headers[":path"] = `/unsupported-grpc-encoding/${encoding}`;
}

function clampTimeout(headers: IncomingHttpHeaders): void {
  const timeout = headers["grpc-timeout"];
  if (timeout === undefined) return;
  const match = /^(\d{1,8})([HMSmun])$/.exec(String(timeout));
  if (!match) {
    headers["grpc-timeout"] = "malformed"; // grpc-js answers INTERNAL to this, but not to "-1S"
    return;
  }
  const ms = Number(match[1]) * (UNIT_MS[match[2] as string] as number);
  if (ms > MAX_TIMEOUT_MS) headers["grpc-timeout"] = `${Math.floor(MAX_TIMEOUT_MS / 1000)}S`;
}

/** grpc-js takes an upload that breaks off within a message for complete, and a compressed flag without an encoding for nothing. */
export function refuseBrokenFrames(call: ServerInterceptingCallInterface): void {
  const { stream, incomingEncoding } = call as unknown as { stream: ServerHttp2Stream; incomingEncoding: string };
  const framing = new MessageFraming();
  const compressed = incomingEncoding !== "identity";
  const push = stream.push;
  const refuse = (details: string): false => {
    stream.push = push;
    call.sendStatus({ code: status.INTERNAL, details, metadata: null });
    return false;
  };
  stream.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk === null) {
      if (framing.withinMessage) return refuse("the request ends within a message");
    } else if (!framing.follow(chunk, compressed)) {
      return refuse("the flags of a message do not fit grpc-encoding");
    }
    return push.call(stream, chunk, encoding);
  };
}
