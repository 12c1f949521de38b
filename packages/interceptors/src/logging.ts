import { type Code, StatusError } from "@tenon/errors";
import type { Call, CallStatus, Interceptor, Metadata } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import { codeName } from "./code-name.ts";
import { methodType } from "./method-type.ts";
import { perMethod } from "./per-method.ts";
import { type Principal, principalOf } from "./principal.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import { traceFacts } from "./trace-context.ts";

export type Level = "debug" | "info" | "warn" | "error";

export interface LoggingOptions {
  /** How much a code matters to who answers; see `serverLevel`. */
  serverLevel?: (code: Code) => Level;
  /** How much a code matters to who asked; see `clientLevel`. */
  clientLevel?: (code: Code) => Level;
}

/**
 * One line a call, at its end, under the field names of go-grpc-middleware, with the request's and the trace's id and
 * who called. Neither messages nor metadata. `err` is what lies behind a refusal made on purpose (a StatusError with a
 * cause); for what was thrown by mistake see `recovery`.
 */
export function logging(logger: Logger, options: LoggingOptions = {}): Interceptor {
  const levels = { server: options.serverLevel ?? serverLevel, client: options.clientLevel ?? clientLevel };
  const factsOf = { server: perMethod(methodFacts("server")), client: perMethod(methodFacts("client")) };
  return function logging(call) {
    let startedAt = 0;
    let startedMs = 0;
    return {
      onStart() {
        startedAt = Date.now();
        startedMs = performance.now();
      },
      onEnd(status) {
        const facts = {
          ...factsOf[call.side](call.method),
          "peer.address": call.peer,
          "grpc.start_time": new Date(startedAt).toISOString(),
          ...callFacts(call),
          "grpc.code": codeName(status.code),
          ...errorFacts(status),
          "grpc.time_ms": Math.round((performance.now() - startedMs) * 1000) / 1000,
        };
        logger[levels[call.side](status.code)](facts, "finished call");
      },
    };
  };
}

const methodFacts = (side: Call["side"]) => (method: Call["method"]) => ({
  protocol: "grpc",
  "grpc.component": side,
  "grpc.service": method.service,
  "grpc.method": method.name,
  "grpc.method_type": methodType(method),
});

/** What tells one call from another, as far as it has it. */
export function callFacts(call: Call): Record<string, string> {
  const facts: Record<string, string> = {};
  const deadline = toInstant(call.deadline);
  if (deadline !== undefined) facts["grpc.request.deadline"] = deadline;
  const requestId = requestIdOf(call) || text(call.requestMetadata, REQUEST_ID_HEADER);
  if (requestId !== "") facts.request_id = requestId;
  Object.assign(facts, traceFacts(call));
  const principal = principalOf(call);
  if (principal.kind !== "anonymous") facts.principal = principalName(principal);
  return facts;
}

const principalName = (principal: Exclude<Principal, { kind: "anonymous" }>): string =>
  principal.kind === "user" ? `user:${principal.id}` : `service:${principal.name}`;

function text(metadata: Metadata, key: string): string {
  const [value] = metadata.get(key);
  return typeof value === "string" ? value : "";
}

/** Callers may name instants that no calendar has. */
const toInstant = (epochMs: number): string | undefined =>
  Math.abs(epochMs) <= 8.64e15 ? new Date(epochMs).toISOString() : undefined;

function errorFacts({ code, message, error }: CallStatus): object {
  if (code === "OK") return {};
  if (error instanceof StatusError && error.cause !== undefined) return { "grpc.error": message, err: error };
  return { "grpc.error": message };
}

/** go-grpc-middleware's DefaultServerCodeToLevel: what is the caller's affair is info, what is ours is error. */
export function serverLevel(code: Code): Level {
  switch (code) {
    case "OK":
    case "NOT_FOUND":
    case "CANCELLED":
    case "ALREADY_EXISTS":
    case "INVALID_ARGUMENT":
    case "UNAUTHENTICATED":
      return "info";
    case "UNKNOWN":
    case "UNIMPLEMENTED":
    case "INTERNAL":
    case "DATA_LOSS":
      return "error";
    default:
      return "warn";
  }
}

/** go-grpc-middleware's DefaultClientCodeToLevel: the callee tells its own story, so a client says less. */
export function clientLevel(code: Code): Level {
  switch (code) {
    case "UNKNOWN":
    case "DEADLINE_EXCEEDED":
    case "PERMISSION_DENIED":
    case "UNAUTHENTICATED":
      return "info";
    case "UNIMPLEMENTED":
    case "INTERNAL":
    case "UNAVAILABLE":
    case "DATA_LOSS":
      return "warn";
    default:
      return "debug";
  }
}
