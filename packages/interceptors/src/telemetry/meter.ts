import { CODES, type Code } from "@tenon/errors";
import { Counter, Histogram, type OpenMetricsContentType, Registry } from "prom-client";
import { codeName } from "./code-name.ts";
import { createDurationHistogram } from "./duration-histogram.ts";
import { METHOD_LABELS, type MethodLabels } from "./method-labels.ts";

/** A registry of either format. In OpenMetrics durations have exemplars: the format of Prometheus has no place for them. */
export type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

/** By which a measurement is found among traces. */
export interface Exemplar {
  readonly trace_id: string;
  readonly span_id: string;
}

/** What was counted of one method. */
export interface Series {
  started: number;
  received: number;
  sent: number;
  end(code: Code, seconds: number, exemplar: Exemplar | undefined): void;
}

/** The metrics of one side in one registry. */
export interface Meter {
  /** Whether exemplars are kept. */
  readonly exemplars: boolean;
  /** Those of the method with these labels; from then on it is shown, at 0 with every code. */
  series(labels: MethodLabels): Series;
}

/** Those of go-grpc-middleware, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const meters = new WeakMap<AnyRegistry, Map<string, Meter>>();

/** The meter of a side in this registry, made where there is none: a name can be registered once only. */
export function meterOf(registry: AnyRegistry, side: "server" | "client"): Meter {
  const ofRegistry = meters.get(registry) ?? new Map<string, Meter>();
  meters.set(registry, ofRegistry);
  const meter = ofRegistry.get(side) ?? createMeter(registry, side);
  ofRegistry.set(side, meter);
  return meter;
}

interface MethodSeries extends Series {
  readonly labels: MethodLabels;
  readonly handled: Map<Code, number>;
}

/** Calls count in plain numbers; they become prom-client's, which hashes labels each time, when they are collected. */
function createMeter(registry: AnyRegistry, side: "server" | "client"): Meter {
  const methods = new Map<string, MethodSeries>();

  const counter = (name: string, help: string, counted: (series: MethodSeries) => number): void => {
    new Counter({
      name: `grpc_${side}_${name}_total`,
      help,
      labelNames: METHOD_LABELS,
      registers: [registry],
      collect() {
        this.reset();
        for (const series of methods.values()) this.inc({ ...series.labels }, counted(series));
      },
    });
  };
  counter("started", `Calls started on the ${side}.`, ({ started }) => started);
  counter("msg_received", `Messages of streams and calls received on the ${side}.`, ({ received }) => received);
  counter("msg_sent", `Messages of streams and calls sent by the ${side}.`, ({ sent }) => sent);

  new Counter({
    name: `grpc_${side}_handled_total`,
    help: `Calls completed on the ${side}, by their status code.`,
    labelNames: [...METHOD_LABELS, "grpc_code"] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, handled } of methods.values()) {
        for (const [code, count] of handled) this.inc({ ...labels, grpc_code: codeName(code) }, count);
      }
    },
  });

  const exemplars = registry.contentType === Registry.OPENMETRICS_CONTENT_TYPE;
  const handling = {
    name: `grpc_${side}_handling_seconds`,
    help: `Time from the start of a call to its status, on the ${side}.`,
    buckets: BUCKETS,
  };
  const observeIn = exemplars ? withExemplars(registry, handling) : withoutExemplars(registry, handling);

  function createSeries(labels: MethodLabels): MethodSeries {
    const observe = observeIn(labels);
    const handled = new Map(CODES.map((code) => [code, 0]));
    return {
      labels,
      handled,
      started: 0,
      received: 0,
      sent: 0,
      end(code, seconds, exemplar) {
        handled.set(code, (handled.get(code) ?? 0) + 1);
        observe(seconds, exemplar);
      },
    };
  }

  return {
    exemplars,
    series(labels) {
      const key = Object.values(labels).join("/");
      const series = methods.get(key) ?? createSeries(labels);
      methods.set(key, series);
      return series;
    },
  };
}

type Observe = (seconds: number, exemplar: Exemplar | undefined) => void;
type Observed = Parameters<typeof createDurationHistogram>[0];

function withoutExemplars(registry: AnyRegistry, options: Observed): (labels: MethodLabels) => Observe {
  const { metric, series } = createDurationHistogram(options);
  (registry as Registry).registerMetric(metric);
  return (labels) => series(labels).observe;
}

function withExemplars(registry: AnyRegistry, { buckets, ...options }: Observed): (labels: MethodLabels) => Observe {
  const histogram = new Histogram({
    ...options,
    buckets: [...buckets],
    labelNames: METHOD_LABELS,
    enableExemplars: true,
    registers: [registry],
  });
  return (labels) => {
    histogram.zero({ ...labels });
    // An exemplar's labels are none of the metric's, as prom-client's types would have them.
    return (value, exemplar) =>
      histogram.observe({ labels: { ...labels }, value, exemplarLabels: { ...exemplar } as object });
  };
}
