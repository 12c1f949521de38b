import {
  type Attributes,
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { currentCall } from "../current-call.ts";
import { TRACEPARENT } from "./trace-context.ts";

/** `version-trace-span-flags` of W3C trace context. */
const TRACE_PARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/**
 * The trace that runs here, as a `traceparent`: to be kept with what is to be done later, for `tracedWork` to go on with.
 * That of the active span; without an SDK the one that the call's client named; else undefined.
 */
export function currentTraceParent(): string | undefined {
  const span = activeSpanContext();
  if (span !== undefined) {
    return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, "0")}`;
  }
  const [given] = currentCall()?.requestMetadata.get(TRACEPARENT) ?? [];
  return typeof given === "string" && TRACE_PARENT.test(given) ? given : undefined;
}

export interface TracedWorkOptions {
  /** Few values: what it is, not which. */
  name: string;
  /** What `currentTraceParent` said when the work was put off; without it a trace begins here. */
  traceParent?: string | undefined;
  /** A message is sent, or one is dealt with; by default neither. */
  kind?: "producer" | "consumer";
  attributes?: Attributes;
}

const KINDS = { producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER };

/**
 * Does work that no call waits for in a span of its own, which continues the trace of whoever asked for it. The calls
 * made in it belong to the same trace. A span that is active where it begins, of a call that brought the message, is linked.
 * Without an SDK it is `work()` alone.
 */
export async function tracedWork<T>(options: TracedWorkOptions, work: () => Promise<T>): Promise<T> {
  const { name, traceParent, kind, attributes = {} } = options;
  const parent = contextOf(traceParent);
  const active = activeSpanContext();
  const span = trace.getTracer("@tenon/interceptors").startSpan(
    name,
    {
      attributes,
      ...(kind && { kind: KINDS[kind] }),
      ...(active && { links: [{ context: active }] }),
    },
    parent,
  );
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : "" });
    throw error;
  } finally {
    span.end();
  }
}

/** Does work where the span of another process is active, as it was told: it is linked by `tracedWork`, and continued by calls. */
export const inTraceOf = <T>(traceParent: string | undefined, work: () => T): T =>
  context.with(contextOf(traceParent), work);

/** The id of the trace, for a log line; undefined where it is none. */
export const traceIdOf = (traceParent: string | undefined): string | undefined =>
  traceParent !== undefined && TRACE_PARENT.test(traceParent) ? traceParent.split("-")[1] : undefined;

const contextOf = (traceParent: string | undefined) =>
  traceParent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { [TRACEPARENT]: traceParent });

/** Undefined without an SDK, and where nothing is traced. */
export function activeSpanContext(): SpanContext | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span !== undefined && isSpanContextValid(span) ? span : undefined;
}
