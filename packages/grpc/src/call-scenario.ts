import type { Call, CallHooks, Interceptor } from "./call.ts";

// For tests: one call, as whoever makes and answers it over some way sees it.

/** Over a port; without a socket; hooks in a grpc-js application that knows nothing else of ours. */
export const STACKS = ["port", "in-process", "native"] as const;
export type Stack = (typeof STACKS)[number];

export const KINDS = ["unary", "server_stream", "client_stream", "bidi_stream"] as const;
export type Kind = (typeof KINDS)[number];
export const manyIn = (kind: Kind): boolean => kind === "client_stream" || kind === "bidi_stream";
export const manyOut = (kind: Kind): boolean => kind === "server_stream" || kind === "bidi_stream";

export interface Scenario {
  /** What the handler does once it has a message, before it replies. */
  handle?(call: Pick<Call, "signal">): Promise<void> | void;
  /** What it does between its first and second response, or after its reply is made where there is but one. */
  afterFirst?(call: Pick<Call, "signal">): Promise<void> | void;
  serverHooks?: Interceptor;
  clientHooks?: Interceptor;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Characters of each name sent, and of each greeting returned. */
  requestSize?: number;
  responseSize?: number;
  /** The caller leaves the responses after the first. */
  leave?: boolean;
  /** What the caller's stream of requests does after its first message. */
  betweenRequests?(): Promise<void> | void;
  /** Ends the server under way. */
  closeServer?: Promise<unknown>;
}

export interface StackCall {
  /** Responses of one call with one request, or two in a stream. */
  invoke(): AsyncIterable<unknown>;
  close(graceMs: number): Promise<void>;
}

export interface StackOptions {
  kind: Kind;
  scenario: Scenario;
  server: readonly Interceptor[];
  client: readonly Interceptor[];
  onError: (error: unknown) => void;
  onFinished: () => void;
}

/** Receive limit of both sides, in bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024;

export const request = ({ requestSize = 4 }: Scenario) => ({ name: "n".repeat(requestSize) });
/** The requests of a stream: two, with something in between. */
export async function* requests(scenario: Scenario) {
  yield request(scenario);
  await scenario.betweenRequests?.();
  yield request(scenario);
}

/** Hooks that are the same for every call. */
export const hooks =
  (set: CallHooks): Interceptor =>
  () =>
    set;
