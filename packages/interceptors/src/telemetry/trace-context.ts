import type { SpanContext } from "@opentelemetry/api";
import { type Call, createContextKey } from "@tenon/grpc";

/** W3C trace context. */
export const TRACEPARENT = "traceparent";
export const TRACESTATE = "tracestate";

/** Where `tracing` leaves the span of the call. */
export const spanContextKey = createContextKey<SpanContext | undefined>("span context", undefined);

/** By which log lines, metrics and spans of one call are found from each other; under OpenTelemetry's names for logs. */
export interface TraceFacts {
  trace_id?: string;
  span_id?: string;
}

/** Of the call's own span; without an SDK the trace that its caller named in `traceparent`; else nothing. */
export function traceFacts(call: Pick<Call, "values" | "requestMetadata">): TraceFacts {
  const span = call.values.get(spanContextKey);
  if (span !== undefined) return { trace_id: span.traceId, span_id: span.spanId };
  const [given] = call.requestMetadata.get(TRACEPARENT);
  const traceId = typeof given === "string" ? /^[\da-f]{2}-([\da-f]{32})-/.exec(given)?.[1] : undefined;
  return traceId === undefined ? {} : { trace_id: traceId };
}
