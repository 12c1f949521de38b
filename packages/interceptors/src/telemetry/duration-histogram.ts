import type { Metric, MetricObjectWithValues, MetricValueWithName } from "prom-client";
import type { MethodLabels } from "./method-labels.ts";

export interface DurationHistogramOptions {
  name: string;
  help: string;
  /** Upper bounds, ascending, in seconds. */
  buckets: readonly number[];
}

/** How long the calls of one method took. */
export interface DurationSeries {
  observe(seconds: number): void;
}

/** A histogram for a registry of prom-client, which it is registered in by `metric`. */
export interface DurationHistogram {
  readonly metric: Metric;
  series(labels: MethodLabels): DurationSeries;
}

interface Counts extends DurationSeries {
  readonly labels: MethodLabels;
  /** One for each bucket and one for what is beyond the last; not yet cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/**
 * Like prom-client's own, but a series is found once and not for each call: there each observation checks and hashes its
 * labels, at the cost of all other metrics of the call together. Without exemplars.
 */
export function createDurationHistogram({ name, help, buckets }: DurationHistogramOptions): DurationHistogram {
  const all: Counts[] = [];

  function values(): MetricValueWithName<string>[] {
    return all.flatMap(({ labels, counts, sum }) => {
      let count = 0;
      const cumulative = counts.map((inBucket, i) => {
        count += inBucket;
        return { metricName: `${name}_bucket`, labels: { le: buckets[i] ?? "+Inf", ...labels }, value: count };
      });
      return [
        ...cumulative,
        { metricName: `${name}_sum`, labels: { ...labels }, value: sum },
        { metricName: `${name}_count`, labels: { ...labels }, value: count },
      ];
    });
  }

  const metric = {
    name,
    help,
    type: "histogram",
    aggregator: "sum",
    get: async () => ({ name, help, type: "histogram", aggregator: "sum", values: values() }) as unknown as Gathered,
    reset() {},
  };
  return {
    metric: metric as unknown as Metric,
    series(labels) {
      const series = createCounts(labels, buckets);
      all.push(series);
      return series;
    },
  };
}

/** prom-client's type takes the kind of a metric for an enum's number, where its values are names. */
type Gathered = MetricObjectWithValues<MetricValueWithName<string>>;

function createCounts(labels: MethodLabels, buckets: readonly number[]): Counts {
  const counts = new Array<number>(buckets.length + 1).fill(0);
  let sum = 0;
  return {
    labels,
    counts,
    get sum() {
      return sum;
    },
    observe(seconds) {
      let i = 0;
      while (i < buckets.length && seconds > (buckets[i] as number)) i += 1;
      (counts[i] as number)++;
      sum += seconds;
    },
  };
}
