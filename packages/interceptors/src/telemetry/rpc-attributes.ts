import type { Attributes } from "@opentelemetry/api";
import type { Code } from "@tenon/errors";
import type { Call, Method } from "@tenon/grpc";

/** Where a server is reached: for a client its target, for a server what it is known as. */
export interface ServerAddress {
  address: string;
  port?: number;
}

/**
 * What OpenTelemetry's conventions for RPC (1.45, stable) say of a method. One that is not known may be a name that a
 * stranger made up: `_OTHER`.
 */
export const methodAttributes = (method: Method, known: boolean, server?: ServerAddress): Attributes => ({
  "rpc.system.name": "grpc",
  "rpc.method": known ? fullName(method) : "_OTHER",
  ...(server && { "server.address": server.address }),
  ...(server?.port !== undefined && { "server.port": server.port }),
});

/** `package.Service/Method`. */
export const fullName = ({ path }: Method): string => path.slice(1);

/** What they say of a status; for a server only some are errors, since the others are the caller's affair. */
export function statusAttributes(side: Call["side"], code: Code): Attributes {
  return isRpcError(side, code) ? { "rpc.status_code": code, "error.type": code } : { "rpc.status_code": code };
}

const SERVER_ERRORS: ReadonlySet<Code> = new Set([
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
]);

export const isRpcError = (side: Call["side"], code: Code): boolean =>
  side === "client" ? code !== "OK" : SERVER_ERRORS.has(code);
