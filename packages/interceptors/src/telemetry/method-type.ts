import type { Method } from "@tenon/grpc";

/** How Prometheus and log fields of the Go world name the four kinds. */
export type MethodType = "unary" | "client_stream" | "server_stream" | "bidi_stream";

export function methodType({
  requestStream,
  responseStream,
}: Pick<Method, "requestStream" | "responseStream">): MethodType {
  if (requestStream) return responseStream ? "bidi_stream" : "client_stream";
  return responseStream ? "server_stream" : "unary";
}
