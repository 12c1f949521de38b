/** What was done, and how long it took. */
export interface Step {
  readonly name: string;
  /** Those that it placed and saw confirmed. */
  readonly orders?: number;
  readonly seconds: number;
}

/** For people: a line each, and one of sums. */
export function formatTable(steps: readonly Step[]): string {
  const total = {
    name: "total",
    orders: steps.reduce((sum, { orders = 0 }) => sum + orders, 0),
    seconds: steps.reduce((sum, { seconds }) => sum + seconds, 0),
  };
  const rows = [
    ["step", "orders", "seconds"],
    ...[...steps, total].map(({ name, orders, seconds }) => [name, String(orders ?? ""), seconds.toFixed(1)]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
    )
    .join("\n");
}
