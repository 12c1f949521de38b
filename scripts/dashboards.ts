// Grafana's dashboards as files, for its provisioning: node scripts/dashboards.ts writes deploy/observability/grafana/.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DASHBOARDS, type Dashboard } from "./dashboard-panels.ts";

/** Two panels a row, as Grafana's provisioning reads it. */
export function toGrafana({ uid, title, panels }: Dashboard): object {
  return {
    uid,
    title,
    tags: ["tenon"],
    timezone: "utc",
    schemaVersion: 39,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    panels: panels.map(({ title, query, legend = "", unit }, index) => ({
      id: index + 1,
      title,
      type: "timeseries",
      datasource: { type: "prometheus", uid: "prometheus" },
      gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
      fieldConfig: { defaults: { unit }, overrides: [] },
      targets: [{ refId: "A", expr: query, legendFormat: legend }],
    })),
  };
}

/** Each file by its name. */
export const dashboardFiles = (): ReadonlyMap<string, string> =>
  new Map(DASHBOARDS.map((each) => [`${each.uid}.json`, `${JSON.stringify(toGrafana(each), undefined, 2)}\n`]));

if (import.meta.main) {
  const folder = join(import.meta.dirname, "../deploy/observability/grafana/dashboards");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of dashboardFiles()) writeFileSync(join(folder, name), text);
}
