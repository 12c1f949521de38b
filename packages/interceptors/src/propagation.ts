import { randomUUID } from "node:crypto";
import { StatusError } from "@tenon/errors";
import { type Call, type CallHooks, type Interceptor, NO_HOOKS, retriesAllowed } from "@tenon/grpc";
import { currentCall, onBehalfOf } from "./current-call.ts";
import { assertOptions } from "./option-range.ts";
import { isRequestId, REQUEST_ID_HEADER, requestIdKey, requestIdOf } from "./request-id.ts";
import { TRACEPARENT, TRACESTATE } from "./telemetry/trace-context.ts";

export interface PropagationOptions {
  /** What a call keeps of its time for itself when it calls others; by default 20 ms. */
  marginMs?: number;
  /** Further keys of metadata that go on to other services, besides trace context and request id. */
  metadata?: readonly string[];
  newRequestId?: () => string;
}

/**
 * Carries a call's deadline, cancellation, trace context and request id to the calls made on its behalf. On a server it
 * remembers the call for all that runs in it, so it comes first in the list; on a client it takes from that call what
 * the new one must keep to. A client call is refused without traffic when no time is left or the call it serves has
 * failed; once that has ended with OK, only metadata passes on, and what runs for it may finish. Such calls are not retried
 * by the channel: the first hop does that.
 */
export function propagation(options: PropagationOptions = {}): Interceptor {
  const { marginMs = 20, metadata = [], newRequestId = randomUUID } = options;
  assertOptions("propagation", { marginMs }, { min: 0 });
  return function propagation(call) {
    if (call.side === "client") return inherit(call, metadata, marginMs);
    return {
      onStart() {
        const [given] = call.requestMetadata.get(REQUEST_ID_HEADER);
        call.values.set(requestIdKey, isRequestId(given) ? given : newRequestId());
      },
      run: (next) => onBehalfOf(call, next),
    };
  };
}

function inherit(call: Call, forwarded: readonly string[], marginMs: number): CallHooks {
  const parent = currentCall();
  if (parent === undefined) return NO_HOOKS;
  const cancel = () => call.abort(new StatusError("CANCELLED", "the call that this one serves has ended"));
  return {
    onStart() {
      forwardMetadata(parent, call, forwarded);
      call.values.set(retriesAllowed, false);
      if (parent.status?.code === "OK") return;
      if (parent.status !== undefined) throw parentEnded(parent);
      const deadline = Math.min(call.deadline, parent.deadline - marginMs);
      if (deadline <= Date.now()) throw new StatusError("DEADLINE_EXCEEDED", "no time is left for this call");
      call.deadline = deadline;
      parent.signal.addEventListener("abort", cancel, { once: true });
    },
    onEnd: () => parent.signal.removeEventListener("abort", cancel),
  };
}

function forwardMetadata(parent: Call, call: Call, keys: readonly string[]): void {
  const { requestMetadata } = call;
  const forward = (key: string) => {
    if (requestMetadata.get(key).length > 0) return;
    for (const value of parent.requestMetadata.get(key)) requestMetadata.add(key, value);
  };
  // As it came: where there is an SDK, `tracing` has put its own here before.
  if (requestMetadata.get(TRACEPARENT).length === 0) {
    forward(TRACEPARENT);
    forward(TRACESTATE);
  }
  for (const key of keys) forward(key);
  const requestId = requestIdOf(parent);
  if (requestId !== "" && requestMetadata.get(REQUEST_ID_HEADER).length === 0) {
    requestMetadata.set(REQUEST_ID_HEADER, requestId);
  }
}

function parentEnded({ status }: Call): StatusError {
  const code = status?.code === "DEADLINE_EXCEEDED" ? "DEADLINE_EXCEEDED" : "CANCELLED";
  return new StatusError(code, "the call that this one serves has ended", { cause: status?.error });
}
