import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { DASHBOARDS } from "../scripts/dashboard-panels.ts";
import { dashboardFiles } from "../scripts/dashboards.ts";
import { restAt, SERVICES, startFreshPlatform } from "./fresh-platform.ts";

const FOLDER = join(import.meta.dirname, "../deploy/observability");
const read = (path: string) => readFileSync(join(FOLDER, path), "utf8");
const promtool = spawnSync("promtool", ["--version"]).status === 0;

interface Alert {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary?: string; runbook?: string };
}
const alerts: Alert[] = parse(read("alerts.yml")).groups.flatMap(({ rules }: { rules: Alert[] }) => rules);

/** The metrics that an expression asks for; `up` is Prometheus's own, and those of TLS are told only where there is any. */
const metricsIn = (query: string): string[] =>
  [...query.replaceAll(/"[^"]*"/g, "").matchAll(/\b(?:grpc|http|process|nodejs|order|payment|tenon)_\w+\b(?!\s*[=!])/g)]
    .map(([name]) => name)
    .filter((name) => !/^(grpc_(service|method|code|type)|http_(route|response_status_code))$/.test(name));

const asked = new Map([
  ...DASHBOARDS.flatMap(({ panels }) => panels).map(({ title, query }) => [title, metricsIn(query)] as const),
  ...alerts.map(({ alert, expr }) => [alert, metricsIn(expr)] as const),
]);

test("what dashboards and alerts ask for is what the services tell", async () => {
  await using platform = await startFreshPlatform();
  await restAt(`http://127.0.0.1:${platform.ports.gateway}`).placeOrder();
  const told = new Set<string>();
  const families = new Set<string>();
  for (const name of SERVICES) {
    const at = `http://127.0.0.1:${platform.adminPorts[name]}/metrics`;
    const page = await (await fetch(at, { signal: AbortSignal.timeout(5000) })).text();
    for (const [, metric = "", type] of page.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
      const parts = { histogram: ["_bucket", "_sum", "_count"], summary: ["", "_sum", "_count"] }[type ?? ""] ?? [""];
      for (const part of parts) told.add(metric + part);
      families.add(metric);
    }
  }
  const missing = [...asked].map(([title, metrics]) => [title, metrics.filter((metric) => !told.has(metric))]);
  expect(missing.filter(([, metrics]) => metrics?.length !== 0)).toEqual([]);
  expect(asked.get("Open orders by state")).toEqual(["order_open_orders"]);
  // The other way round: what a service tells is shown somewhere. What Node itself tells is there for whoever looks for it.
  const shown = [...asked.values()].flat().map((metric) => metric.replace(/_(bucket|sum|count)$/, ""));
  const ours = [...families].filter((family) => !/^(nodejs|process)_/.test(family));
  expect(ours.filter((family) => !shown.includes(family))).toEqual([]);
}, 180_000);

test("the dashboards are as scripts/dashboards.ts writes them", () => {
  const kept = readdirSync(join(FOLDER, "grafana/dashboards")).map((name) => [
    name,
    read(`grafana/dashboards/${name}`),
  ]);
  expect(new Map(kept as [string, string][])).toEqual(dashboardFiles());
});

test("every alert is tried by promtool", () => {
  const tried = read("alerts.test.yml");
  expect(alerts.map(({ alert }) => alert).filter((alert) => !new RegExp(`\\b${alert}\\b`).test(tried))).toEqual([]);
});

for (const { alert, labels, annotations } of alerts) {
  test(`${alert} says what is noticed, what to do and how soon`, () => {
    expect(annotations.summary).toMatch(/\.$/);
    expect(annotations.runbook).toMatch(/\.$/);
    expect(["page", "ticket"]).toContain(labels.severity);
  });
}

test.skipIf(!promtool)("promtool takes the rules, and they fire when they are meant to", () => {
  for (const args of [
    ["check", "rules", "alerts.yml"],
    ["test", "rules", "alerts.test.yml"],
  ]) {
    expect(execFileSync("promtool", args, { cwd: FOLDER, encoding: "utf8" })).toContain("SUCCESS");
  }
});
