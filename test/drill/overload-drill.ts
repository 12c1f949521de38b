import { setTimeout as delay } from "node:timers/promises";
import { askHealth } from "@tenon/runtime";
import { measureOverload, NOMINAL_PER_SECOND } from "../../bench/overload-measurement.ts";
import { judgeOverload } from "../../bench/overload-report.ts";
import type { PhaseFigures } from "../../bench/overload-run.ts";
import type { DrillRow } from "./drill-row.ts";

const OVERLOAD = 3;
/** Half of what the bench has: five times that leaves a core to spare on a machine that has something else to do. */
const CONNECTIONS = 2;
const CAPACITY = NOMINAL_PER_SECOND / 2;
const PHASES = [
  { title: "warm-up", perSecond: CAPACITY / 2, seconds: 2 },
  { title: "90 %", perSecond: CAPACITY * 0.9, seconds: 2 },
  { title: "100 %", perSecond: CAPACITY, seconds: 2 },
  { title: "5 x", perSecond: CAPACITY * 5, seconds: 8 },
  { title: "50 %", perSecond: CAPACITY / 2, seconds: 6 },
];
const PROBE_MS = 100;
const PROBE_LIMIT_MS = 1000;

/**
 * A server of its own, whose work is scarce as connections to a database are, gets five times what it can do. A short run of
 * `make bench-overload`, with somebody who asks for its health all the while.
 */
export async function overload(): Promise<DrillRow> {
  const faults: string[] = [];
  let [probes, longestMs] = [0, 0];

  async function probe(port: number, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const askedMs = performance.now();
      const asked = askHealth({ address: `127.0.0.1:${port}`, timeoutMs: PROBE_LIMIT_MS });
      const health = await asked.catch((error: Error) => error.message);
      if (health !== "SERVING") faults.push(`asked for its health it said ${health}`);
      longestMs = Math.max(longestMs, performance.now() - askedMs);
      probes += 1;
      await delay(PROBE_MS);
    }
  }

  const run = await measureOverload({
    ...{ name: "overload", phases: PHASES, overload: OVERLOAD, isShedding: true, connections: CONNECTIONS },
    beside: probe,
  });
  const peak = Math.max(...run.phases.slice(0, OVERLOAD).map(({ good }) => good));
  for (const { what, is, met, atLeast, atMost } of judgeOverload(run, peak, OVERLOAD)) {
    if (!met) faults.push(`${what}: ${is?.toFixed(2) ?? "never"}, not ${atLeast ?? atMost}`);
  }
  const { good, shed, late, failed, p99, share } = run.phases[OVERLOAD] as PhaseFigures;
  const calls = run.phases.reduce((sum, { offered }, index) => sum + offered * (PHASES[index]?.seconds ?? 0), 0);
  if (failed > 0) faults.push(`${failed} calls a second failed in another way than by being refused`);
  const percent = (part: number) => `${(part * 100).toFixed(0)} %`;
  return {
    ...{ drill: "five times the load", invariant: "50", calls: Math.round(calls), failed: 0, faults },
    longestPauseMs: longestMs,
    seen:
      `${percent(good / peak)} of the peak's goodput, ${Math.round(shed)}/s refused, ${Math.round(late)}/s late, p99 ${p99.toFixed(0)} ms, ` +
      `answered ${percent(share.high)} of high and ${percent(share.low)} of low priority, recovered in ${run.recoveryMs ?? "?"} ms; ` +
      `health asked ${probes} times, ${longestMs.toFixed(0)} ms at most`,
  };
}
