import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { type Server as GrpcServer, type ServerInterceptingCallInterface, status } from "@grpc/grpc-js";
import { StatusError } from "@tenon/errors";
import type { Method } from "./call.ts";
import type { Defences, ServerDefence } from "./defences.ts";
import { MessageFraming } from "./message-framing.ts";
import { hasBadCertificate } from "./tls.ts";

// The server's defences (defences.ts), where grpc-js offers no public way to mend it. All uses of its private fields are here;
// server-defences.test.ts fails when one of them is no longer what it is taken for.

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

type ServerDefences = Defences<ServerDefence>;

const privatesOf = (server: GrpcServer): Privates => server as unknown as Privates;

/** Every deadline of a client that expires is a reset, so that a busy connection has hundreds a second without any ill will. */
const RESET_BURST = 10_000;
const RESETS_PER_SECOND = 1_000;

/** What HTTP/2 itself takes of one request's headers; nghttp2 takes no more. */
const MAX_HEADER_LIST_BYTES = 64 * 1024;

/**
 * nghttp2 ends a connection with INTERNAL_ERROR, and with it all of its calls, after 1,000 resets and 33 a second. Set
 * before the server is bound.
 */
export function raiseHttp2Limits(server: GrpcServer, { resetLimits, metadataLimit }: ServerDefences): void {
  const options = privatesOf(server).commonServerOptions;
  if (resetLimits) {
    options.streamResetBurst = RESET_BURST;
    options.streamResetRate = RESETS_PER_SECOND;
  }
  // above our own limit, so that the stream is answered and not merely reset
  if (metadataLimit) options.settings = { ...options.settings, maxHeaderListSize: MAX_HEADER_LIST_BYTES };
}

const unreachable = () => {
  throw new Error("grpc-js drives a call that is not its own");
};
const identity = (bytes: Buffer) => bytes;

/** Hands every path to the interceptors, known or not: grpc-js answers unknown methods before them, unseen by log and metrics. */
export function openHandlers(server: GrpcServer, methods: readonly Method[], defences: ServerDefences): void {
  const { handlers } = privatesOf(server);
  const entryFor = (path: string) => ({
    func: unreachable,
    serialize: identity,
    deserialize: identity,
    type: "bidi",
    path,
  });
  for (const { path } of methods) handlers.set(path, entryFor(path));
  if (!defences.unknownMethods) return;
  const known = handlers.get.bind(handlers);
  handlers.get = (path) => known(path) ?? entryFor(path);
}

/** What is wrong with a call from its headers on. */
const refusals = new WeakMap<object, StatusError>();

/** With what a call is to be refused, though its interceptors see it; undefined for most. */
export const refusalOf = (call: ServerInterceptingCallInterface): StatusError | undefined =>
  refusals.get((call as unknown as { stream: ServerHttp2Stream }).stream);

const defended = new WeakSet<Http2Server>();

/** Looks at each stream before grpc-js does. For a server that is bound. */
export function defendHttp2(server: GrpcServer, maxMetadataBytes: number, defences: ServerDefences): void {
  for (const http2Server of privatesOf(server).http2Servers.keys()) {
    if (defended.has(http2Server)) continue;
    defended.add(http2Server);
    http2Server.prependListener("secureConnection", inspectCertificate); // it belongs to our own TLS options, so it has no switch
    http2Server.prependListener("stream", (stream, headers, _flags, rawHeaders: string[]) => {
      const refusal = inspectHeaders(headers, rawHeaders, maxMetadataBytes, defences);
      if (refusal) refusals.set(stream, refusal);
    });
  }
}

/**
 * For a server that begins to close. A connection whose handshake was under way then is none that grpc-js asks to leave: it
 * would be served to the end of the grace time, and its calls cut off there. Its client goes elsewhere before it has called.
 */
export function turnLateConnectionsAway(server: GrpcServer): void {
  for (const http2Server of privatesOf(server).http2Servers.keys()) {
    http2Server.prependListener("session", (session) => session.close());
  }
}

function inspectCertificate(socket: TLSSocket): void {
  if (hasBadCertificate(socket)) socket.destroy();
}

const CONTENT_TYPE = /^application\/grpc(\+proto)?($|;)/;
const ENCODINGS = new Set(["identity", "gzip", "deflate"]);
/** 24 days in each unit of grpc-timeout: grpc-js takes longer ones for deadlines that have passed. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1000;
const UNIT_MS: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Mends the headers of a call, or says why it is to be refused. */
function inspectHeaders(
  headers: IncomingHttpHeaders,
  raw: string[],
  maxBytes: number,
  defences: ServerDefences,
): StatusError | undefined {
  const isCall = headers[":method"] === "POST" && CONTENT_TYPE.test(headers["content-type"] ?? "");
  if (!isCall && defences.contentType) {
    headers["content-type"] = "application/refused"; // grpc-js answers 415
    return undefined;
  }
  let bytes = 0;
  let credentials = 0;
  for (let i = 0; i < raw.length; i += 2) {
    bytes += (raw[i] as string).length + (raw[i + 1] as string).length + 32; // as HTTP/2 counts (RFC 9113, 6.5.2)
    if (raw[i] === "authorization") credentials += 1;
  }
  if (bytes > maxBytes && defences.metadataLimit) {
    const message = `the metadata of the call is larger than ${maxBytes} bytes`;
    return new StatusError("RESOURCE_EXHAUSTED", message, { reason: "METADATA_TOO_LARGE" });
  }
  if (credentials > 1 && defences.repeatedAuthorization) {
    // Node keeps the first, and whoever stands in front may have looked at another
    return new StatusError("UNAUTHENTICATED", "more than one authorization", { reason: "TOKEN_INVALID" });
  }
  const encoding = headers["grpc-encoding"];
  if (encoding !== undefined && defences.unknownEncoding && !ENCODINGS.has(String(encoding))) {
    // grpc-js would look at it with the first compressed message only
    return new StatusError("UNIMPLEMENTED", `grpc-encoding "${shorten(encoding)}" is not supported`);
  }
  return defences.timeouts ? mendTimeout(headers) : undefined;
}

function mendTimeout(headers: IncomingHttpHeaders): StatusError | undefined {
  const timeout = headers["grpc-timeout"];
  if (timeout === undefined) return undefined;
  const match = /^(\d{1,8})([HMSmun])$/.exec(String(timeout));
  if (!match) {
    delete headers["grpc-timeout"]; // grpc-js would take "-1S" for one second
    return new StatusError("INTERNAL", `grpc-timeout "${shorten(timeout)}" is malformed`);
  }
  const ms = Number(match[1]) * (UNIT_MS[match[2] as string] as number);
  if (ms > MAX_TIMEOUT_MS) headers["grpc-timeout"] = `${Math.floor(MAX_TIMEOUT_MS / 1000)}S`;
  return undefined;
}

const shorten = (value: unknown): string => String(value).slice(0, 40);

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
