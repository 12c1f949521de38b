import { type BarPanel, barChart } from "./bar-chart.ts";
import { table } from "./bench-report.ts";
import type { InterceptorCost } from "./interceptor-costs.ts";
import type { Machine } from "./machine.ts";

export interface InterceptorResults {
  readonly at: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly costs: readonly InterceptorCost[];
}

/** Each without its exporter. Those that write or check for each call, and the whole chain, have more to do. */
export const MAX_US = 1.5;

export function toCostsMarkdown({ at, quick, machine, costs }: InterceptorResults): string {
  const rows = costs.map(({ name, small, order, bytes }) => [
    name,
    small.toFixed(2),
    order.toFixed(2),
    Math.round(bytes).toLocaleString("en"),
    name === "standard chain" ? "" : small <= MAX_US ? "met" : "MISSED",
  ]);
  return [
    "# What each interceptor costs a call",
    "",
    "Microseconds of CPU and bytes allocated by one interceptor alone on a server, for calls within one process: those with it less",
    `those without, medians of rounds. The aim is ${MAX_US} us for a small call.`,
    "",
    ...table(["Interceptor", "small: us", "order: us", "small: bytes", "Aim"], rows),
    "",
    ...(quick ? ["- A quick run: it shows that all is there, not how fast it is."] : []),
    "- Logging writes a line a call to /dev/null, metrics counts for a registry that nobody asks, tracing has no SDK.",
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}; load average ${machine.loadAverage.toFixed(1)} at the start.`,
    `- Versions: tenon ${machine.versions.tenon}, node ${machine.versions.node}.`,
    `- ${at}`,
    "",
  ].join("\n");
}

export function drawCosts({ costs }: InterceptorResults): string {
  const panel = (title: string, figureOf: (cost: InterceptorCost) => number): BarPanel => ({
    title,
    bars: costs.map((cost) => ({ label: cost.name, value: Math.max(0, figureOf(cost)), ours: true })),
  });
  return barChart("What each interceptor costs a call", [
    panel("microseconds of CPU, a small call", ({ small }) => small),
    panel("bytes allocated, a small call", ({ bytes }) => bytes),
  ]);
}
