import {
  type Attributes,
  createNoopMeter,
  type Histogram,
  type MeterProvider,
  metrics as otel,
} from "@opentelemetry/api";
import type { Code } from "@tenon/errors";
import { type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import { perMethod } from "../per-method.ts";
import { createKnown } from "./method-labels.ts";
import { methodAttributes, type ServerAddress, statusAttributes } from "./rpc-attributes.ts";

export interface RpcMetricsOptions {
  /** What a server serves without a descriptor; calls of other methods are counted as `_OTHER`. */
  methods?: readonly Method[];
  /** On a client its target, on a server what it is known as. */
  server?: ServerAddress;
}

/** As the conventions advise, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const SCOPE = "@tenon/interceptors";

/**
 * How long calls take, as `rpc.server.call.duration` and `rpc.client.call.duration` by OpenTelemetry's conventions for RPC, with
 * whatever SDK the process has registered; without one it does nothing. Beside `metrics`, for those who collect by OTLP.
 * Inside `tracing` in the list, so that exemplars name the span.
 */
export function rpcMetrics({ methods = [], server }: RpcMetricsOptions = {}): Interceptor {
  const isKnown = createKnown(methods);
  const attributesOf = {
    server: perMethod((method) => attributesByCode("server", method, isKnown(method), server)),
    client: perMethod((method) => attributesByCode("client", method, true, server)),
  };
  const durations = { server: durationOf("server"), client: durationOf("client") };
  return function rpcMetrics(call) {
    const duration = durations[call.side]();
    if (duration === undefined) return NO_HOOKS;
    let startedMs = 0;
    return {
      onStart() {
        startedMs = performance.now();
      },
      onEnd({ code }) {
        duration.record((performance.now() - startedMs) / 1000, attributesOf[call.side](call.method)(code));
      },
    };
  };
}

/** The histogram of the registered SDK, made anew where another is registered; none without one. */
function durationOf(side: "server" | "client"): () => Histogram | undefined {
  let provider: MeterProvider | undefined;
  let histogram: Histogram | undefined;
  return () => {
    const registered = otel.getMeterProvider();
    if (registered !== provider) {
      provider = registered;
      const meter = registered.getMeter(SCOPE);
      const description = side === "server" ? "Duration of incoming calls." : "Duration of outgoing calls.";
      const options = { unit: "s", description, advice: { explicitBucketBoundaries: BUCKETS } };
      histogram = meter === createNoopMeter() ? undefined : meter.createHistogram(`rpc.${side}.call.duration`, options);
    }
    return histogram;
  };
}

/** One object for each code that occurs, and not for each call. */
function attributesByCode(side: "server" | "client", method: Method, known: boolean, server?: ServerAddress) {
  const common = methodAttributes(method, known, server);
  const byCode = new Map<Code, Attributes>();
  return (code: Code): Attributes => {
    const found = byCode.get(code) ?? { ...common, ...statusAttributes(side, code) };
    byCode.set(code, found);
    return found;
  };
}
