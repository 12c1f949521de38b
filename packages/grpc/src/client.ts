import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Interceptor } from "./call.ts";
import type { Metadata } from "./metadata.ts";
import type { Server } from "./server.ts";

export interface CallOptions {
  /** Cancels the call. */
  signal?: AbortSignal;
  /** Deadline from now, in milliseconds; by default the contract's. */
  timeoutMs?: number;
  metadata?: Metadata;
  onHeaders?(headers: Metadata): void;
  onTrailers?(trailers: Metadata): void;
}

export interface ClientOptions {
  /** Where: `127.0.0.1:8080`, `dns:///user:8081`, `unix:/path`; or a server in this process, reached without a socket. */
  target: string | Server;
  /** The first is the outermost. */
  interceptors?: readonly Interceptor[];
  /** Hears of errors that no caller can be told: a throwing `onEnd`. */
  onError?: (error: unknown) => void;
}

/** The methods of a service as functions. A failed call rejects (or its iterable throws) a StatusError with `remote` set. */
export type Client<S extends DescService> = { [Name in keyof S["method"]]: ClientMethod<S["method"][Name]> } & {
  /** Ends the connections. Calls in flight go on to their end. */
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

export declare function createClient<S extends DescService>(service: S, options: ClientOptions): Client<S>;
