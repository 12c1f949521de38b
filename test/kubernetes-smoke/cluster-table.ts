import type { Tally } from "./smoke-pods.ts";

/** What was done, what the customer met meanwhile, and what was seen. */
export interface ClusterStep {
  readonly name: string;
  readonly seen: string;
  readonly seconds: number;
  readonly tally?: Pick<Tally, "calls" | "failed" | "longestPauseMs">;
}

/** For people: a line each. */
export function formatSteps(steps: readonly ClusterStep[]): string {
  const rows = [
    ["step", "calls", "failed", "longest pause", "seconds", "seen"],
    ...steps.map(({ name, seen, seconds, tally }) => [
      name,
      ...(tally ? [tally.calls, tally.failed, `${(tally.longestPauseMs / 1000).toFixed(2)} s`] : ["", "", ""]).map(
        String,
      ),
      seconds.toFixed(1),
      seen,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const isText = (column: number) => column === 0 || column === 5;
  return rows
    .map((row) =>
      row
        .map((cell, i) => (isText(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
