import type { Code } from "@tenon/errors";

export type Level = "debug" | "info" | "warn" | "error";

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
