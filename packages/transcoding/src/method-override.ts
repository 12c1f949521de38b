import { StatusError } from "@tenon/errors";
import { headerOf } from "./header-metadata.ts";
import type { HttpRequest } from "./http-message.ts";

const HEADER = "x-http-method-override";
const METHODS = ["GET", "PUT", "PATCH", "DELETE"];

/** A POST as the request that it says it is. Throws INVALID_ARGUMENT where it says none. */
export function overridden(request: HttpRequest): HttpRequest {
  const method = headerOf(request.headers, HEADER);
  if (method === undefined || request.method !== "POST") return request;
  if (METHODS.includes(method)) return { ...request, method };
  const what = `the header ${HEADER} is one of ${METHODS.join(", ")}`;
  throw new StatusError("INVALID_ARGUMENT", what, { reason: "HEADER_INVALID", domain: "http" });
}
