import type { AimResult } from "./aims.ts";
import type { Machine } from "./machine.ts";
import { cpuRatio, type Sample, typical } from "./statistics.ts";

/** All that is known of one run of a bench. */
export interface Results {
  readonly title: string;
  readonly at: string;
  readonly baseline: string;
  readonly rounds: number;
  /** What each server spent in each round on each kind of call, after its warm-up. */
  readonly cpuSeconds: number;
  /** Too short to be believed: code is still being compiled. */
  readonly quick: boolean;
  readonly load: string;
  readonly machine: Machine;
  readonly notRun: readonly string[];
  readonly peers: readonly { readonly name: string; readonly title: string }[];
  readonly workloads: readonly { readonly name: string; readonly title: string; readonly unit: string }[];
  readonly aims: readonly AimResult[];
  /** Figures of another kind, a line each. */
  readonly notes: readonly string[];
  readonly samples: readonly Sample[];
}

/** The results as Markdown: a table of peers, how far the aims are met, and what was measured where. */
export function toMarkdown(results: Results): string {
  const { title, at, load, machine, rounds, cpuSeconds, quick, notRun } = results;
  return [
    `# ${title}`,
    "",
    `CPU of the server's process in microseconds a call (of streams, a message), as a multiple of ${results.baseline}'s, and how`,
    "many a second one core serves.",
    "",
    ...peerTable(results),
    "",
    ...aimTable(results),
    ...(quick ? ["- A quick run: it shows that all is there, not how fast it is."] : []),
    ...results.notes.map((note) => `- ${note}`),
    ...results.workloads.map(({ name, title }) => `- ${name}: ${title}.`),
    `- ${rounds} x ${cpuSeconds} s of CPU for each server and kind of call, in alternating order, each time in a new process.`,
    "  Figures are medians; multiples are medians of the multiples within each round.",
    `- Load: ${load}.`,
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}; load average ${machine.loadAverage.toFixed(1)} at the start.`,
    `- Versions: ${Object.entries(machine.versions)
      .map((entry) => entry.join(" "))
      .join(", ")}.`,
    ...notRun.map((what) => `- Not run: ${what}.`),
    `- ${at}`,
    "",
  ].join("\n");
}

function peerTable({ peers, workloads, samples, baseline }: Results): string[] {
  const rows = peers.map(({ name, title }) => [
    title,
    ...workloads.flatMap((workload) => {
      const figures = typical(samples, name, workload.name);
      const ratio = cpuRatio(samples, workload.name, { peer: name, against: baseline });
      if (figures === undefined) return ["", "", ""];
      return [
        figures.cpuUs.toFixed(1),
        ratio === undefined ? "" : ratio.toFixed(2),
        Math.round(figures.perSecond).toLocaleString("en"),
      ];
    }),
  ]);
  return table(["Server", ...workloads.flatMap(({ name, unit }) => [`${name}: us`, "x", `${unit}s/s`])], rows);
}

function aimTable({ aims }: Results): string[] {
  if (aims.length === 0) return [];
  const rows = aims.map(({ peer, against, workload, atMost, ratio, met }) => [
    `${peer} / ${against}`,
    workload,
    atMost.toFixed(2),
    ratio.toFixed(3),
    met ? "met" : "MISSED",
  ]);
  return [...table(["CPU of", "Calls", "At most", "Is", "Aim"], rows), ""];
}

/** A Markdown table whose columns are aligned, so that it reads in a terminal too: words left, numbers right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => (row[i] ?? "").length)));
  const numeric = head.map((_, i) => rows.every((row) => /^[\d.,]*$/.test(row[i] ?? "")));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (numeric[i] ? (cells[i] ?? "").padStart(width) : (cells[i] ?? "").padEnd(width))).join(" | ")} |`;
  const rule = widths.map((width, i) => (numeric[i] ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  return [line(head), line(rule), ...rows.map(line)];
}
