import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { createDurationHistogram } from "./duration-histogram.ts";
import { METHOD_LABELS } from "./method-labels.ts";

const OPTIONS = { name: "took_seconds", help: "How long.", buckets: [0.1, 1, 10] };
const GREET = { grpc_type: "unary", grpc_service: "greeter.v1.GreetingService", grpc_method: "Greet" };
const LIST = { grpc_type: "server_stream", grpc_service: "greeter.v1.GreetingService", grpc_method: "ListGreetings" };

const linesOf = async (registry: Registry) => (await registry.metrics()).split("\n").sort();

test("is collected as prom-client's own histogram is: at 0, on a bound, between and beyond", async () => {
  const [own, theirs] = [new Registry(), new Registry()];
  const { metric, series } = createDurationHistogram(OPTIONS);
  own.registerMetric(metric);
  const histogram = new Histogram({ ...OPTIONS, labelNames: METHOD_LABELS, registers: [theirs] });
  const greet = series(GREET);
  series(LIST);
  histogram.zero({ ...GREET });
  histogram.zero({ ...LIST });
  expect(await linesOf(own)).toEqual(await linesOf(theirs));
  for (const seconds of [0, 0.1, 0.25, 1, 10, 10.5, 1e9]) {
    greet.observe(seconds);
    histogram.observe({ ...GREET }, seconds);
  }
  expect(await linesOf(own)).toEqual(await linesOf(theirs));
});

test("has the default labels of its registry", async () => {
  const registry = new Registry();
  registry.setDefaultLabels({ replica: "1" });
  const { metric, series } = createDurationHistogram(OPTIONS);
  registry.registerMetric(metric);
  series(GREET).observe(1);
  expect(await registry.metrics()).toContain('grpc_method="Greet",replica="1"} 1');
});
