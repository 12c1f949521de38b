import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Call } from "./call.ts";

/**
 * What a service does, by method: a function from the request (or an iterable of requests) to a promise of the response
 * (or an iterable of responses), and the call for all that is not a message. Responses may be plain objects.
 * Leaving the loop over requests reads no more of them and does not end the call; it ends when the handler does.
 */
export type Handlers<S extends DescService> = {
  [Name in keyof S["method"]]: Handler<S["method"][Name]>;
};

export type Handler<M extends DescMethod> = (
  request: M extends { methodKind: "unary" | "server_streaming" }
    ? MessageShape<M["input"]>
    : AsyncIterable<MessageShape<M["input"]>>,
  call: Call,
) => M extends { methodKind: "unary" | "client_streaming" }
  ? Promise<MessageInitShape<M["output"]>>
  : AsyncIterable<MessageInitShape<M["output"]>>;

/** A service and what it does. */
export interface Implementation {
  readonly service: DescService;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
}

// biome-ignore lint/suspicious/noExplicitAny: the driver holds handlers of every method; implement() has checked each.
export type AnyHandler = (request: any, call: Call) => any;

/** Binds handlers to a service: `implement(GreetingService, { async greet(request) { ... } })`. Every method is needed. */
export const implement = <S extends DescService>(service: S, handlers: Handlers<S>): Implementation => ({
  service,
  handlers: handlers as Implementation["handlers"],
});
