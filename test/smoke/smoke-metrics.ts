import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PLATFORM_SERVICES } from "@tenon/platform";
import { parse } from "yaml";
import type { ComposeProject } from "./compose-project.ts";
import { SmokeFailure } from "./smoke-failure.ts";

const ALERTS = join(import.meta.dirname, "../../deploy/observability/alerts.yml");
/** It looks for replicas, scrapes them and evaluates its rules every 15 s. */
const LIMIT_MS = 90_000;
const POLL_MS = 1000;

/** So many replicas of each job are to be scraped. */
const REPLICAS = Object.fromEntries(
  PLATFORM_SERVICES.map(({ name }) => [name, name === "order" || name === "payment" ? 2 : 1]),
);

/** Waits until Prometheus scrapes every replica and has evaluated every alert. Throws a SmokeFailure that says what is missing. */
export async function prometheusWatches({ project, signal }: { project: ComposeProject; signal: AbortSignal }) {
  for (const startedAt = Date.now(); ; await delay(POLL_MS, undefined, { signal })) {
    const missing = (await unscraped(project)) ?? (await unevaluated(project));
    if (missing === undefined) return;
    if (Date.now() - startedAt > LIMIT_MS) throw new SmokeFailure(missing);
  }
}

async function unscraped(project: ComposeProject): Promise<string | undefined> {
  const { activeTargets } = await ask<{ activeTargets: readonly Target[] }>(project, "targets?state=active");
  const up: Record<string, number> = {};
  for (const { labels, health } of activeTargets) {
    if (health === "up" && labels.service === labels.job) up[labels.job] = (up[labels.job] ?? 0) + 1;
  }
  const wrong = Object.entries(REPLICAS).filter(([job, count]) => up[job] !== count);
  if (wrong.length === 0 && activeTargets.every(({ health }) => health === "up")) return undefined;
  return `Prometheus scrapes ${JSON.stringify(up)} and not ${JSON.stringify(REPLICAS)}`;
}

async function unevaluated(project: ComposeProject): Promise<string | undefined> {
  const { groups } = await ask<{ groups: readonly { rules: readonly Rule[] }[] }>(project, "rules");
  const sound = groups.flatMap(({ rules }) => rules).filter(({ health }) => health === "ok");
  const written: { alert: string }[] = parse(readFileSync(ALERTS, "utf8")).groups.flatMap(
    ({ rules }: { rules: { alert: string }[] }) => rules,
  );
  const missing = written.filter(({ alert }) => !sound.some(({ name }) => name === alert));
  return missing.length === 0
    ? undefined
    : `Prometheus does not evaluate ${missing.map(({ alert }) => alert).join(", ")}`;
}

async function ask<T>(project: ComposeProject, path: string): Promise<T> {
  const url = `http://127.0.0.1:9090/api/v1/${path}`;
  return JSON.parse(await project.exec("prometheus", "wget", "-q", "-O", "-", url)).data;
}

/** What is read of Prometheus's API. */
interface Target {
  labels: { job: string; service?: string };
  health: "up" | "down" | "unknown";
}

interface Rule {
  name: string;
  health: "ok" | "err" | "unknown";
}
