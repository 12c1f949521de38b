import type { Kill } from "./chaos-killer.ts";
import type { ChaosResult } from "./chaos-run.ts";
import { CRASH_POINTS } from "./crash-points.ts";
import type { OrderFact } from "./money-facts.ts";

/** What a run comes to, for people. */
export function formatReport(result: ChaosResult): string {
  const { kills, facts, snapshots, replays, blocked, wipes, violations, restMs } = result;
  const states = Object.entries(countBy(facts.orders, ({ state }) => state)).sort();
  const points = new Set(kills.map(({ point }) => point).filter((point) => point !== undefined));
  const rows: [string, string][] = [
    ["orders", `${facts.orders.length} (${states.map(([state, count]) => `${state} ${count}`).join(", ")})`],
    ["at the processor", `${facts.transactions.length} transactions`],
    ["crash points reached", `${points.size} of ${Object.keys(CRASH_POINTS).length}`],
    ["users blocked", String(blocked)],
    ["events", `${facts.events.length}, all told again ${replays} times`],
    ["nats-server", wipes === undefined ? "NOT INSTALLED: events by gRPC" : `came back with nothing ${wipes} times`],
    ["snapshots of the books", String(snapshots)],
    ["until everything rested", `${(restMs / 1000).toFixed(1)} s`],
    ["violations", String(violations.length)],
  ];
  return [...killTable(kills, facts.orders), "", ...align(rows)].join("\n");
}

/** How often each was killed, and how long orders had to wait then. */
function killTable(kills: readonly Kill[], orders: readonly OrderFact[]): string[] {
  const confirmed = orders.filter(({ state }) => state === "CONFIRMED");
  const row = (name: string, those: readonly Kill[]): string[] => [
    name,
    String(those.length),
    String(those.filter(({ point }) => point !== undefined).length),
    longest(those.map(({ at }) => waitMs(at, confirmed))),
    longest(
      those.map(({ at }) =>
        waitMs(
          at,
          confirmed.filter(({ createdAt }) => createdAt.getTime() > at),
        ),
      ),
    ),
  ];
  const byVictim = [...Map.groupBy(kills, ({ victim }) => victim)].sort(([a], [b]) => (a < b ? -1 : 1));
  return align([
    ["killed", "times", "at a crash point", "longest to the next confirmed order", "of those placed after it"],
    ...byVictim.map(([victim, those]) => row(victim, those)),
    row("all", kills),
  ]);
}

/** From a kill to the next order that is confirmed; undefined where there was none. */
function waitMs(killedAt: number, confirmed: readonly OrderFact[]): number | undefined {
  const later = confirmed.map(({ updatedAt }) => updatedAt.getTime() - killedAt).filter((ms) => ms > 0);
  return later.length > 0 ? Math.min(...later) : undefined;
}

function longest(times: readonly (number | undefined)[]): string {
  const known = times.filter((ms) => ms !== undefined);
  return known.length > 0 ? `${(Math.max(...known) / 1000).toFixed(1)} s` : "";
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
