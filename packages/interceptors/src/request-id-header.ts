import { type Interceptor, NO_HOOKS } from "@tenon/grpc";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";

/**
 * Tells the caller on a server the id under which log lines tell of the request, in the response header `x-request-id`:
 * the caller's own, or the one that `propagation`, which comes before, has given it. On a client it does nothing: the id goes along by
 * `propagation`.
 */
export function requestIdHeader(): Interceptor {
  return function requestIdHeader(call) {
    if (call.side === "client") return NO_HOOKS;
    return {
      onStart() {
        const id = requestIdOf(call);
        if (id !== "") call.responseHeaders.set(REQUEST_ID_HEADER, id);
      },
    };
  };
}
