import { TraceFlags } from "@opentelemetry/api";
import { type Call, type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import { perMethod } from "../per-method.ts";
import { type AnyRegistry, type Exemplar, meterOf } from "./meter.ts";
import { createLabels, methodLabels } from "./method-labels.ts";
import { spanContextKey } from "./trace-context.ts";

export interface MetricsOptions {
  /** Which side's calls these are; the other side's are not counted. */
  side: "server" | "client";
  /** All that is served or called, so that each is shown at 0 before its first call. */
  methods?: readonly Method[];
}

/**
 * Counts calls and messages under go-grpc-middleware's names (`grpc_server_handled_total` and its like), so that its
 * dashboards work. Every method is there at 0 with every code, so that rates and alerts see a first failure. Methods
 * that nobody serves share one label, whatever names strangers invent. Several on one registry count together. Where the registry
 * is one of OpenMetrics, durations have the ids of a span of `tracing` as exemplars, for a microsecond a call.
 */
export function metrics(registry: AnyRegistry, { side, methods = [] }: MetricsOptions): Interceptor {
  const meter = meterOf(registry, side);
  const labelsOf = createLabels(methods);
  const seriesOf = perMethod((method) => meter.series(labelsOf(method)));
  for (const method of methods) meter.series(methodLabels(method));
  return function metrics(call) {
    if (call.side !== side) return NO_HOOKS;
    const series = seriesOf(call.method);
    let startedMs = 0;
    return {
      onStart() {
        startedMs = performance.now();
        series.started += 1;
      },
      onReceive() {
        series.received += 1;
      },
      onSend() {
        series.sent += 1;
      },
      onEnd({ code }) {
        series.end(code, (performance.now() - startedMs) / 1000, meter.exemplars ? exemplarOf(call) : undefined);
      },
    };
  };
}

/** Of a trace that is kept. */
function exemplarOf({ values }: Call): Exemplar | undefined {
  const span = values.get(spanContextKey);
  if (span === undefined || (span.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  return { trace_id: span.traceId, span_id: span.spanId };
}
