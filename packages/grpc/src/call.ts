import type { DescMethod } from "@bufbuild/protobuf";
import type { Code } from "@tenon/errors";
import type { ContextValues } from "./context-values.ts";
import type { Metadata } from "./metadata.ts";

/**
 * Looks at, changes or refuses calls, on either side and of every kind: a unary call is a stream of one message each way.
 * It is called once for each call and acquires nothing; its hooks do. The first of a list is the outermost: on a server
 * the first to see a request, on a client the last to see a response.
 */
export type Interceptor = (call: Call) => CallHooks;

/** One RPC, from its first byte to its status. Retries of a client are one call. */
export interface Call {
  readonly side: "client" | "server";
  readonly method: Method;
  /** The other end's address; empty on a client until the call is sent. */
  readonly peer: string;
  /**
   * On a server: the URI names (RFC 5280, 4.2.1.6) of the certificate that the other end has proved to hold, such as its
   * SPIFFE id. Empty where it showed none that our roots have signed, and on a client.
   */
  readonly peerUris: readonly string[];
  /** On a client a copy of the caller's, which may change until it is sent. */
  readonly requestMetadata: Metadata;
  /** On a server they may change until the first message; on a client they are set before the first `onReceive`. */
  readonly responseHeaders: Metadata;
  /** On a server they may change up to and in `onEnd`; on a client they can be read in `onEnd`. */
  readonly trailers: Metadata;
  readonly values: ContextValues;
  /** Aborts when the call ends in any way but OK, with the status as its reason (a StatusError). */
  readonly signal: AbortSignal;
  /** How the call ended; unset before. */
  readonly status?: CallStatus | undefined;
  /** When the call must be over: milliseconds since the epoch, or Infinity. May be tightened in `onStart`. */
  deadline: number;
  /** Ends the call from outside a hook, as if one had thrown `error`. Does nothing once it has ended. */
  abort(error: unknown): void;
}

export interface Method {
  /** `/package.Service/Method`, as on the wire. */
  readonly path: string;
  /** `package.Service`. */
  readonly service: string;
  readonly name: string;
  /** The client sends any number of messages, not one. */
  readonly requestStream: boolean;
  /** The server sends any number of messages, not one. */
  readonly responseStream: boolean;
  /** Where the options of the method are read; unset for methods that are known by their path only. */
  readonly desc?: DescMethod | undefined;
}

/** How a call ended. */
export interface CallStatus {
  readonly code: Code;
  /** As the caller was told. */
  readonly message: string;
  /** What was thrown, with its stack, where this side ended the call. Not for the caller. */
  readonly error: unknown;
}

/**
 * Nothing: go on. An answer: reply with it and go no further in. A promise holds reading and sending of the call until it
 * settles, or the deadline passes.
 */
export type Verdict = void | Answer | Promise<void | Answer>;

/**
 * What an interceptor does at the moments of a call. `onStart` of the outer goes before that of the inner, which runs
 * inside the outer's `run`, as all later hooks do. Whatever a hook but `onEnd` throws ends the call with it.
 */
export interface CallHooks {
  /** The call begins: metadata is here, no message yet. May refuse by throwing a StatusError. */
  onStart?(): Verdict;
  /** A message goes out: a request on a client, a response on a server. Before it is encoded. */
  onSend?(message: unknown): Verdict;
  /** A message came in. After it was decoded. */
  onReceive?(message: unknown): Verdict;
  /**
   * The call is over, with the status that the other side has seen or will see. Once for each whose `onStart` completed,
   * innermost first, before the trailers leave. What it throws is reported and changes nothing.
   */
  onEnd?(status: CallStatus): void;
  /** Wraps everything further in, for AsyncLocalStorage. Calls `next` exactly once, before it returns. */
  run?<T>(next: () => T): T;
}

/** What an interceptor returns for a call that is none of its business: it costs such a call nothing further. */
export const NO_HOOKS: CallHooks = Object.freeze({});

/** A reply by an interceptor in place of what lies further in: from a cache, or of an earlier attempt. */
export class Answer {
  readonly message: unknown;
  constructor(message: unknown) {
    this.message = message;
  }
}

/** Replies with `message`, the decoded response, without going further in. */
export const answer = (message: unknown): Answer => new Answer(message);
