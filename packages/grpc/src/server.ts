import type { DescMessage } from "@bufbuild/protobuf";
import {
  Server as GrpcServer,
  type ServerOptions as GrpcServerOptions,
  type ServerInterceptingCall,
} from "@grpc/grpc-js";
import { StatusError } from "@tenon/errors";
import type { Interceptor, Method } from "./call.ts";
import { defencesExcept, SERVER_DEFENCES, type ServerDefence } from "./defences.ts";
import { HandlerDriver } from "./handler-driver.ts";
import type { AnyHandler, Implementation } from "./handlers.ts";
import { warn } from "./hooked-call.ts";
import { registerInProcess } from "./in-process.ts";
import { type Codec, codecOf, methodOf, methodOfPath } from "./method.ts";
import type { NativeService } from "./native-service.ts";
import { ServerCall } from "./server-call.ts";
import {
  defendHttp2,
  openHandlers,
  raiseHttp2Limits,
  refusalOf,
  refuseBrokenFrames,
  turnLateConnectionsAway,
} from "./server-defences.ts";
import { toWireStatus } from "./status.ts";
import { createServerCredentials, type Renewable, type ServerTls } from "./tls.ts";
import { NativeServerCall } from "./to-server-interceptor.ts";
import { DEFAULT_MAX_MESSAGE_BYTES, type ServerTransportCall } from "./transport.ts";

export interface ServerOptions extends ServerLimits {
  services: readonly Implementation[];
  /** Services of grpc-js's own shape (health, reflection); their calls pass the interceptors too. */
  natives?: readonly NativeService[];
  /** The first is the outermost. Unknown methods pass them as well, before they are UNIMPLEMENTED. */
  interceptors?: readonly Interceptor[];
  /** Serves TLS with this identity; in the clear without. Unusable PEM throws at once. */
  tls?: ServerTls | Renewable<ServerTls> | undefined;
  /** Leaves these out of what mends grpc-js, each with the consequence that `SERVER_DEFENCES` tells; by default none. */
  withoutDefences?: readonly ServerDefence[];
  /** Hears of errors that no caller can be told: of a throwing `onEnd`, of a handler after its call. By default process warnings. */
  onError?: (error: unknown) => void;
}

export interface ServerLimits {
  /** Largest request; by default 4 MiB. RESOURCE_EXHAUSTED beyond. */
  maxReceiveMessageBytes?: number;
  /** Largest response; by default 4 MiB. RESOURCE_EXHAUSTED beyond. */
  maxSendMessageBytes?: number;
  /** Calls at once on one connection; by default 1,000. Further ones wait at the client. */
  maxConcurrentStreams?: number;
  /** Metadata of a request, as HTTP/2 counts it (RFC 9113, 6.5.2); by default 16 KiB. */
  maxMetadataBytes?: number;
  /**
   * How long a connection serves before its client is asked to open another, which may find other replicas; by default for
   * ever. Calls that are on it then go on to their end.
   */
  maxConnectionAgeMs?: number;
  /** Pings an idle connection after `timeMs` and ends it after `timeoutMs` without an answer; by default 60 s and 20 s. */
  keepalive?: { timeMs: number; timeoutMs: number };
}

/** A gRPC server. */
export interface Server {
  /** Starts to listen; resolves with the port. Rejects where the address cannot be had, with what the system said. */
  listen(address: { host: string; port: number }): Promise<number>;
  /** Refuses new calls and lets those in flight finish; what is left after its time ends with UNAVAILABLE (DRAINING). */
  close(options?: CloseOptions): Promise<void>;
}

export interface CloseOptions {
  /** Time for calls in flight; by default 10 s. */
  graceMs?: number;
  /**
   * Time for those with a stream of responses; by default 100 ms. Such a stream may be meant to last, and would hold the
   * close for all of `graceMs`; its client goes on elsewhere.
   */
  streamGraceMs?: number;
}

/** The methods that a server of these services has: for metrics, access rules and warm-up, before the first call. */
export const methodsOf = (
  services: readonly Implementation[],
  natives: readonly NativeService[] = [],
): readonly Method[] => [
  ...services.flatMap(({ service }) => service.methods.map(methodOf)),
  ...natives.flatMap(({ definition }) =>
    Object.values(definition).map(({ path, requestStream, responseStream }) =>
      methodOfPath(path, requestStream, responseStream),
    ),
  ),
];

interface Entry {
  method: Method;
  codec: Codec;
  handler: AnyHandler;
  output: DescMessage | undefined;
}

/** How long calls that were told UNAVAILABLE may take to leave before their connections are cut. */
const FORCED_FLUSH_MS = 100;

/** A gRPC server on grpc-js. It serves once it listens, or as the target of a client in the same process. */
export function createServer(options: ServerOptions): Server {
  const { services, natives = [], interceptors = [], onError = warn } = options;
  const entries = new Map(services.flatMap(entriesOf).map((entry) => [entry.method.path, entry]));
  const nativeMethods = new Map(methodsOf([], natives).map((method) => [method.path, method]));
  const live = new Set<ServerCall>();
  const defences = defencesExcept(SERVER_DEFENCES, options.withoutDefences);
  const common = { interceptors, onError, live, holdsHalfClose: defences.cancelledUploads };
  const maxMetadataBytes = options.maxMetadataBytes ?? 16 * 1024;
  const { credentials, release } = createServerCredentials(options.tls);
  let closing: Promise<void> | undefined;

  const accept = (path: string, transport: ServerTransportCall, refusal?: StatusError): void => {
    const entry = entries.get(path) ?? unknownEntry(path);
    const call = new ServerCall(transport, { ...common, method: entry.method, codec: entry.codec, refusal });
    new HandlerDriver(call, entry.handler, entry.output);
  };
  const native = new GrpcServer({
    ...toChannelOptions(options),
    interceptors: [
      ({ path }, transport) => {
        const method = nativeMethods.get(path);
        if (method) return new NativeServerCall(transport, { ...common, method }) as unknown as ServerInterceptingCall;
        if (defences.brokenFrames) refuseBrokenFrames(transport);
        accept(path, transport, refusalOf(transport));
        return INERT;
      },
    ],
  });
  raiseHttp2Limits(native, defences);
  openHandlers(
    native,
    [...entries.values()].map(({ method }) => method),
    defences,
  );
  for (const { definition, implementation } of natives) native.addService(definition, implementation);

  const endWhere = (which: (call: ServerCall) => boolean): void => {
    for (const call of live) if (which(call)) call.abort(draining());
  };
  const shutDown = async ({ graceMs = 10_000, streamGraceMs = 100 }: CloseOptions): Promise<void> => {
    const streams = setTimeout(endWhere, Math.min(streamGraceMs, graceMs), ({ method }) => method.responseStream);
    turnLateConnectionsAway(native);
    const finished = new Promise<void>((resolve) => native.tryShutdown(() => resolve()));
    await within(graceMs, Promise.all([finished, drained(live)]));
    clearTimeout(streams);
    endWhere(() => true);
    await within(FORCED_FLUSH_MS, finished);
    native.forceShutdown();
    release();
  };
  const server: Server = {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
        native.bindAsync(address, credentials, (error, bound) => {
          if (error) return reject(error);
          defendHttp2(native, maxMetadataBytes, defences);
          resolve(bound);
        });
      }),
    close(options = {}) {
      closing ??= shutDown(options);
      return closing;
    },
  };
  registerInProcess(server, {
    maxReceiveMessageBytes: options.maxReceiveMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
    maxSendMessageBytes: options.maxSendMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
    accept(path, transport) {
      if (closing === undefined) accept(path, transport);
      else transport.sendStatus(toWireStatus(draining(), path.slice(1, path.lastIndexOf("/"))));
    },
  });
  return server;
}

const draining = () => new StatusError("UNAVAILABLE", "the server is shutting down", { reason: "DRAINING" });

/** What grpc-js is told of a call that it is not to drive itself. */
const INERT = { start() {} } as unknown as ServerInterceptingCall;

function entriesOf({ service, handlers }: Implementation): Entry[] {
  return service.methods.map((desc) => {
    const handler = handlers[desc.localName];
    const method = methodOf(desc);
    if (handler === undefined) throw new Error(`${method.path} has no handler`);
    return { method, codec: codecOf(desc.input, desc.output), handler: handler.bind(handlers), output: desc.output };
  });
}

const IDENTITY: Codec = { encode: (bytes) => bytes as Buffer, decode: (bytes) => bytes };

/** Longer paths are cut, so that whoever calls what is not there cannot fill the log. */
const MAX_UNKNOWN_PATH = 200;

const unknownEntry = (path: string): Entry => ({
  method: methodOfPath(path.slice(0, MAX_UNKNOWN_PATH), true, true),
  codec: IDENTITY,
  output: undefined,
  handler: () => {
    // no reason, so no details: connectconformance wants none from a server that does not know the method
    throw new StatusError("UNIMPLEMENTED", `the server has no method ${path.slice(0, MAX_UNKNOWN_PATH)}`);
  },
});

function toChannelOptions(options: ServerLimits): GrpcServerOptions {
  const { keepalive = { timeMs: 60_000, timeoutMs: 20_000 }, maxConnectionAgeMs } = options;
  return {
    "grpc.max_receive_message_length": options.maxReceiveMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": options.maxSendMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
    "grpc.max_concurrent_streams": options.maxConcurrentStreams ?? 1000,
    "grpc.keepalive_time_ms": keepalive.timeMs,
    "grpc.keepalive_timeout_ms": keepalive.timeoutMs,
    // Calls go on to their end on a connection that was asked to leave: cut off, they would end without a status.
    ...(maxConnectionAgeMs !== undefined && { "grpc.max_connection_age_ms": maxConnectionAgeMs }),
  };
}

/** Waits for `work`, but no longer than `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

/** Resolves when no call is under way; they end by themselves or are ended. */
function drained(live: Set<ServerCall>): Promise<void> {
  return new Promise((resolve) => {
    const [first] = live;
    if (first === undefined) return resolve();
    first.whenFinished(() => resolve(drained(live)));
  });
}
