import { table } from "./bench-report.ts";
import { lineChart } from "./line-chart.ts";
import type { Machine } from "./machine.ts";
import type { OverloadRun, PhaseFigures } from "./overload-run.ts";

export interface OverloadResults {
  readonly at: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly peak: number;
  readonly overloadSeconds: number;
  /** With load shedding first, then without. */
  readonly runs: readonly OverloadRun[];
  readonly aims: readonly OverloadAim[];
}

export interface OverloadAim {
  readonly what: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly is: number | undefined;
  readonly met: boolean;
}

/** Answers take the longest wait in the queue, and as long as they take at the limit; here many times the 10 ms of a query. */
const MAX_P99_MS = 300;

/** How far the server that sheds load keeps what is promised of it. */
export function judgeOverload(run: OverloadRun, peak: number, overload: number): OverloadAim[] {
  const { good, p99, share } = run.phases[overload] as PhaseFigures;
  const atLeast = (what: string, is: number, least: number) => ({ what, is, atLeast: least, met: is >= least });
  const atMost = (what: string, is: number | undefined, most: number) => {
    return { what, is, atMost: most, met: is !== undefined && is <= most };
  };
  return [
    atLeast("goodput under overload, of the peak", good / peak, 0.8),
    atMost("p99 of accepted calls, ms", p99, MAX_P99_MS),
    atLeast("share of high priority answered, less that of low", share.high - share.low, 0.1),
    atMost("recovery, ms", run.recoveryMs, 5000),
  ];
}

export function toOverloadMarkdown({ at, quick, machine, peak, overloadSeconds, runs, aims }: OverloadResults): string {
  const percent = (share: number) => (share * 100).toFixed(0);
  const rows = runs.flatMap(({ name, phases }) =>
    phases.map(({ title, offered, good, shed, late, failed, p50, p99, share }) => [
      name,
      title,
      ...[offered, good, shed, late, failed].map((perSecond) => Math.round(perSecond).toLocaleString("en")),
      ...[p50, p99].map((ms) => ms.toFixed(0)),
      ...[share.high, share.normal, share.low].map(percent),
    ]),
  );
  const columns = [
    "offered/s",
    "good/s",
    "shed/s",
    "late/s",
    "failed/s",
    "p50 ms",
    "p99 ms",
    "high %",
    "normal %",
    "low %",
  ];
  const judged = aims.map(({ what, atMost, atLeast, is, met }) => [
    what,
    atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`,
    is === undefined ? "never" : is.toFixed(2),
    met ? "met" : "MISSED",
  ]);
  return [
    "# Overload: five times what a server can do",
    "",
    "One server whose calls each need one of four connections for 10 ms, with the whole standard chain; good is what was answered",
    "with OK before its callers' deadline of 1 s, the percentages are the share of each rank's calls that was.",
    "",
    ...table(["Server", "Phase", ...columns], rows),
    "",
    ...table(["Of the server that sheds load", "Aim", "Is", ""], judged),
    "",
    ...(quick ? ["- A quick run: it shows that all is there, not how well it does."] : []),
    `- Peak: ${Math.round(peak).toLocaleString("en")} good calls a second, the most of the phases before; five times that for ${overloadSeconds} s.`,
    "- One call in ten is of high priority, four are normal, five low. Callers do not wait for each other.",
    ...runs.map(
      ({ name, recoveryMs }) =>
        `- Recovery ${name}: ${recoveryMs === undefined ? "not within the run" : `${recoveryMs.toFixed(0)} ms`}.`,
    ),
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}; load average ${machine.loadAverage.toFixed(1)} at the start.`,
    `- Versions: tenon ${machine.versions.tenon}, node ${machine.versions.node}, @grpc/grpc-js ${machine.versions["@grpc/grpc-js"]}.`,
    `- ${at}`,
    "",
  ].join("\n");
}

const COLORS = ["#1f6feb", "#c2410c"];

export const drawOverload = ({ runs }: OverloadResults): string =>
  lineChart("Calls a second over the run", { x: "seconds", y: "calls a second" }, [
    { label: "offered", color: "#9aa4b2", points: (runs[0]?.course ?? []).map(({ atS, offered }) => [atS, offered]) },
    ...runs.map(({ name, course }, i) => ({
      label: `answered ${name}`,
      color: COLORS[i] as string,
      points: course.map(({ atS, good }) => [atS, good] as const),
    })),
  ]);
