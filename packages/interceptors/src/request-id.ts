import { type Call, createContextKey } from "@tenon/grpc";

export const REQUEST_ID_HEADER = "x-request-id";

/** Where `propagation` leaves the id under which logs of all services tell of one request. */
export const requestIdKey = createContextKey<string>("request-id", "");

/** The id of the request that this call belongs to; empty where `propagation` did not run. Not an idempotency key. */
export const requestIdOf = (call: Pick<Call, "values">): string => call.values.get(requestIdKey);

/** An id from outside goes into logs and other services: short, printable, without spaces. */
export const isRequestId = (value: unknown): value is string =>
  typeof value === "string" && /^[\x21-\x7e]{1,128}$/.test(value);
