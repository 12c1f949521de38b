import type { DescMethod, DescService, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { Interceptor, Method } from "./call.ts";
import type { CallOptions } from "./call-options.ts";
import { type ChannelOptions, createChannelTransport } from "./channel-transport.ts";
import { ClientCall } from "./client-call.ts";
import { retriesAllowed } from "./context-values.ts";
import { CLIENT_DEFENCES, type ClientDefence, defencesExcept } from "./defences.ts";
import { warn } from "./hooked-call.ts";
import { openInProcess } from "./in-process.ts";
import { createMetadata } from "./metadata.ts";
import { tellHeaders, tellTrailers } from "./metadata-callbacks.ts";
import { codecOf, methodOf, toMessage } from "./method.ts";
import { sendRequests } from "./request-sender.ts";
import { Responses } from "./responses.ts";
import type { Server } from "./server.ts";
import type { ClientTransport } from "./transport.ts";

/** Longest deadline in milliseconds, 24 days: grpc-js servers take a longer one for one that has passed. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1000;

export interface ClientOptions extends ChannelOptions {
  /** Where: `127.0.0.1:8080`, `dns:///user:8081`, `unix:/path`; or a server in this process, reached without a socket. */
  target: string | Server;
  /** The first is the outermost. */
  interceptors?: readonly Interceptor[];
  /** Leaves these out of what mends grpc-js, each with the consequence that `CLIENT_DEFENCES` tells; by default none. */
  withoutDefences?: readonly ClientDefence[];
  /** Hears of errors that no caller can be told: a throwing `onEnd`. By default they become process warnings. */
  onError?: (error: unknown) => void;
}

/** The methods of a service as functions. A failed call rejects (or its iterable throws) a StatusError with `remote` set. */
export type Client<S extends DescService> = { [Name in keyof S["method"]]: ClientMethod<S["method"][Name]> } & {
  /** Ends the connections. Calls that were sent go on to their end; all others are CANCELLED. */
  close(): void;
};

export type ClientMethod<M extends DescMethod> = (
  request: M extends { methodKind: "unary" | "server_streaming" }
    ? MessageInitShape<M["input"]>
    : AsyncIterable<MessageInitShape<M["input"]>> | Iterable<MessageInitShape<M["input"]>>,
  options?: CallOptions,
) => M extends { methodKind: "unary" | "client_streaming" }
  ? Promise<MessageShape<M["output"]>>
  : AsyncIterable<MessageShape<M["output"]>>;

/**
 * A client of a service. It connects with the first call. An iterable of responses starts its call with the first
 * `next()`, and leaving the loop cancels it. Calls made while a server call is served are not retried: the first hop does that.
 */
export function createClient<S extends DescService>(service: S, options: ClientOptions): Client<S> {
  const { target, interceptors = [], onError = warn } = options;
  const defences = defencesExcept(CLIENT_DEFENCES, options.withoutDefences);
  const transport: ClientTransport =
    typeof target === "string" ? createChannelTransport(service, target, options) : openInProcess(target, options);
  let closed = false;
  const assertOpen = () => {
    if (closed) throw new StatusError("CANCELLED", "the client is closed", { remote: true });
  };
  const client: Record<string, unknown> = {
    close() {
      closed = true;
      transport.close();
    },
  };
  for (const desc of service.methods) {
    const method = methodOf(desc);
    const codec = codecOf(desc.output, desc.input);
    const open = (callOptions: CallOptions) => {
      assertOpen();
      return openCall(callOptions, (deadline) => {
        return new ClientCall({
          method,
          interceptors,
          deadline,
          codec,
          maxPendingWrites: transport.maxPendingWrites,
          defences,
          onError,
          open(call) {
            assertOpen(); // an interceptor may have held the call meanwhile
            return transport.open(method.path, call.deadline, call.values.get(retriesAllowed));
          },
        });
      });
    };
    client[desc.localName] = clientMethod(desc, method, open);
  }
  return client as Client<S>;
}

function clientMethod(desc: DescMethod, method: Method, open: (options: CallOptions) => ClientCall): unknown {
  const send = (call: ClientCall, request: unknown): void => {
    if (method.requestStream) {
      sendRequests(call, request as AsyncIterable<object>, desc.input);
    } else {
      let message: Message;
      try {
        message = toMessage(desc.input, request as object);
      } catch (cause) {
        call.abort(new StatusError("INTERNAL", "the request is no message", { cause }));
        return;
      }
      call.sendMessage(message);
      call.halfClose();
    }
  };
  if (method.responseStream) {
    return (request: unknown, options: CallOptions = {}) =>
      new Responses(
        () => open(options),
        (call) => send(call, request),
        options,
      );
  }
  return (request: unknown, options: CallOptions = {}) =>
    new Promise((resolve, reject) => {
      let response: unknown;
      const call = open(options);
      call.start(options.metadata ?? createMetadata(), {
        onReceiveMetadata: (headers) => tellHeaders(options, call, headers),
        onReceiveMessage(message) {
          if (message === null) return;
          if (response !== undefined) call.abort(new StatusError("UNIMPLEMENTED", "more than one response message"));
          response = message;
        },
        onReceiveStatus(status) {
          const failure = tellTrailers(options, call);
          if (status.code !== 0) reject(call.toError(status));
          else if (failure) reject(failure);
          else if (response === undefined) reject(noResponse());
          else resolve(response);
        },
      });
      call.startRead();
      send(call, request);
    });
}

const noResponse = () => new StatusError("UNIMPLEMENTED", "no response message", { remote: true });

/** A call that the caller's signal cancels. */
function openCall({ signal, timeoutMs }: CallOptions, create: (deadline: number) => ClientCall): ClientCall {
  if (timeoutMs !== undefined && Number.isNaN(timeoutMs)) throw new TypeError("timeoutMs is not a number");
  const deadline =
    timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + Math.min(timeoutMs, MAX_TIMEOUT_MS);
  if (signal?.aborted) throw cancelled(signal);
  const call = create(deadline);
  if (signal) {
    const onAbort = () => call.abort(cancelled(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    call.whenFinished(() => signal.removeEventListener("abort", onAbort));
  }
  return call;
}

const cancelled = (signal: AbortSignal) =>
  new StatusError("CANCELLED", "cancelled by the caller", { remote: true, cause: signal.reason });
