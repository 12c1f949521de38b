import type { Tally } from "./call-log.ts";

/** What a drill showed. */
export interface DrillRow {
  readonly drill: string;
  /** Of the list of what must always hold. */
  readonly invariant: string;
  readonly calls: number;
  readonly failed: number;
  readonly longestPauseMs: number;
  /** What was seen, for people. */
  readonly seen: string;
  /** What should not be; none where it holds. */
  readonly faults: readonly string[];
}

/** A row of what a load came to. Calls that failed are a fault, unless `mayFail` says that a failure of that kind is none. */
export function toRow(
  row: Pick<DrillRow, "drill" | "invariant" | "seen">,
  tally: Tally,
  faults: readonly string[],
  mayFail: (failure: string) => boolean = () => false,
): DrillRow {
  const { calls, failed, longestPauseMs, failures } = tally;
  const wrong = Object.entries(failures).filter(([failure]) => !mayFail(failure));
  return {
    ...row,
    ...{ calls, failed, longestPauseMs },
    faults: [...faults, ...wrong.map(([failure, count]) => `${count} x ${failure}`)],
  };
}

/** For people: a line each, and what should not be below it. */
export function formatDrills(rows: readonly DrillRow[]): string {
  const cells = [
    ["drill", "no.", "calls", "failed", "longest pause", "verdict", "seen"],
    ...rows.map(({ drill, invariant, calls, failed, longestPauseMs, faults, seen }) => [
      ...[drill, invariant, String(calls), String(failed), `${(longestPauseMs / 1000).toFixed(2)} s`],
      ...[faults.length === 0 ? "holds" : "FAILS", seen],
    ]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const isNumber = (column: number) => column >= 2 && column <= 4;
  const lines = cells.map((row) =>
    row
      .map((cell, i) => (isNumber(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  const faults = rows.flatMap(({ drill, faults }) => faults.map((fault) => `FAILS ${drill}: ${fault}`));
  return [...lines, ...faults].join("\n");
}
