import { readFile, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { isUnavailable } from "./call-log.ts";
import type { DrillLoad } from "./drill-load.ts";
import type { DrillPlatform, DrillProcess } from "./drill-platform.ts";
import { type DrillRow, toRow } from "./drill-row.ts";
import { watchHealth } from "./health-watch.ts";

/** What a drill is held on: the platform, and callers who never pause. */
export interface Drilled {
  readonly platform: DrillPlatform;
  readonly load: DrillLoad;
}

/** A drain in its order, as the log tells it. */
const STEPS = [
  "tell not serving",
  "wait for clients to notice",
  "stop workers",
  "finish calls",
  "close resources",
  "close admin port",
];
/** A gateway's DRAIN_WAIT, which is the longest, and DRAIN_GRACE, with what closing takes on a busy machine. */
const EXIT_LIMIT_MS = 3000 + 10_000 + 3000;
/** A second signal waits for nothing. */
const FORCED_LIMIT_MS = 1000;
const READY_LIMIT_MS = 180_000;
const UNAVAILABLE = "14";

/** One process of several is told to end: nobody notices but those with a stream, who go on elsewhere. */
export async function drainOne({ platform, load }: Drilled, target: DrillProcess): Promise<DrillRow> {
  const isService = "service" in target;
  const faults: string[] = [];
  const logFrom = (await stat(target.logFile)).size;
  using watch = isService ? watchHealth(target.port, platform.clientTls) : undefined;
  await watch?.serving;
  const end = load.measure();
  const exiting = platform.nextExit(target.name);
  const toldMs = performance.now();
  signal(target, "SIGTERM");
  const exit = await within(EXIT_LIMIT_MS, exiting);
  await target.ready(READY_LIMIT_MS);
  await load.answered(READY_LIMIT_MS);
  const tally = end();

  if (exit === undefined) faults.push(`it runs ${EXIT_LIMIT_MS} ms after SIGTERM`);
  else if (exit.how !== 0) faults.push(`it ended with ${exit.how}`);
  const steps = await drainSteps(target.logFile, logFrom);
  if (steps.join() !== STEPS.join()) faults.push(`the log has the steps ${steps.join(", ") || "not"}`);
  if (watch) {
    const { notServingMs, goawayMs, endCode } = watch;
    if (notServingMs === undefined) faults.push("a watch of its health was never told NOT_SERVING");
    if (goawayMs === undefined) faults.push("its connection was ended without GOAWAY");
    if ((notServingMs ?? 0) >= (goawayMs ?? 0)) faults.push("GOAWAY came before NOT_SERVING");
    if (endCode !== UNAVAILABLE) faults.push(`the watch of its health ended with code ${endCode}`);
  }
  const took = exit ? `exit 0 after ${((exit.atMs - toldMs) / 1000).toFixed(1)} s` : "no exit";
  const seen = `${took}, ${tally.resumed} streams resumed`;
  return toRow({ drill: `SIGTERM of ${target.name}`, invariant: "49", seen }, tally, faults);
}

/** Who is told twice does not wait. */
export async function forceOne({ platform, load }: Drilled, target: DrillProcess): Promise<DrillRow> {
  const faults: string[] = [];
  const logFrom = (await stat(target.logFile)).size;
  const end = load.measure();
  const exiting = platform.nextExit(target.name);
  signal(target, "SIGTERM");
  const noticed = await until(
    async () => (await readFile(target.logFile)).subarray(logFrom).includes("draining"),
    FORCED_LIMIT_MS,
  );
  if (!noticed) faults.push("the log does not have the first signal");
  const toldMs = performance.now();
  signal(target, "SIGTERM");
  const exit = await within(EXIT_LIMIT_MS, exiting);
  const tookMs = (exit?.atMs ?? Number.POSITIVE_INFINITY) - toldMs;
  if (tookMs > FORCED_LIMIT_MS) faults.push(`it ran ${tookMs} ms longer`);
  if (exit?.how !== 1) faults.push(`it ended with ${exit?.how}`);
  await target.ready(READY_LIMIT_MS);
  await load.answered(READY_LIMIT_MS);
  const tally = end();
  const seen = `exit ${exit?.how} after ${tookMs.toFixed(0)} ms, ${tally.resumed} streams resumed`;
  // What it had begun is lost with it, as by a kill.
  return toRow({ drill: `second SIGTERM of ${target.name}`, invariant: "49", seen }, tally, faults, isUnavailable);
}

/**
 * Clients try to connect every two seconds, give or take a fifth, and shake hands: as a rollout does by minReadySeconds, the next
 * one goes when they are back, also on a machine that is busy.
 */
const NOTICED_MS = 6000;

/** Everything is started anew, one after the other, as by a rollout. */
export async function rollAll({ platform, load }: Drilled): Promise<DrillRow> {
  const faults: string[] = [];
  const end = load.measure();
  const { services, gateways } = platform;
  const all = [...services.processes, ...gateways];
  for (const target of all) {
    const exiting = platform.nextExit(target.name);
    signal(target, "SIGTERM");
    const exit = await within(EXIT_LIMIT_MS, exiting);
    if (exit?.how !== 0) faults.push(`${target.name} ended with ${exit?.how}`);
    await target.ready(READY_LIMIT_MS);
    await delay(NOTICED_MS);
  }
  await load.answered(READY_LIMIT_MS);
  const tally = end();
  const seen = `${all.length} processes, ${tally.resumed} streams resumed`;
  return toRow({ drill: "rolling restart", invariant: "49", seen }, tally, faults);
}

/** What the log says since then of the drain that was done, in its order. */
async function drainSteps(logFile: string, from: number): Promise<string[]> {
  const lines = (await readFile(logFile)).subarray(from).toString().split("\n");
  return lines
    .filter((line) => line.includes('"drain step done"'))
    .map((line) => String((JSON.parse(line) as { step: string }).step));
}

export function signal({ pid, name }: DrillProcess, which: NodeJS.Signals): void {
  if (pid === undefined) throw new Error(`${name} is not there`);
  process.kill(pid, which);
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  const late = delay(limitMs, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

async function until(holds: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  for (const startedMs = performance.now(); performance.now() - startedMs < limitMs; await delay(5)) {
    if (await holds()) return true;
  }
  return false;
}
