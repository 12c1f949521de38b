// `make drill`: what happens to processes that run, done to them under load; a row of a table for each. docs/runbook.md says
// what each does, and what to do where it fails. A part of it, on fewer processes, is a test (drill.test.ts).
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { drillAddresses } from "./address-drills.ts";
import { restartDatabase } from "./database-drill.ts";
import { loseDependency } from "./dead-dependency-drill.ts";
import { type Drilled, drainOne, forceOne, rollAll } from "./drain-drills.ts";
import { startDrillLoad } from "./drill-load.ts";
import { startDrillPlatform } from "./drill-platform.ts";
import { type DrillRow, formatDrills } from "./drill-row.ts";
import { overload } from "./overload-drill.ts";
import { rotateCertificates } from "./rotation-drill.ts";
import { hangOn } from "./slow-reader-drill.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

const replicas = { order: 2, payment: 2, processor: 1, user: 2 };
const find = ({ platform }: Drilled, name: string) => {
  const found = [...platform.services.processes, ...platform.gateways].find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no process ${name}`);
  return found;
};

/** Those that share a platform, by name. */
const ON_THE_PLATFORM: Readonly<Record<string, (drilled: Drilled) => Promise<DrillRow[]>>> = {
  async drain(drilled) {
    const rows: DrillRow[] = [];
    for (const name of ["order-1", "payment-1", "user-1", "gateway-1"])
      rows.push(await drainOne(drilled, find(drilled, name)));
    return [...rows, await forceOne(drilled, find(drilled, "order-2"))];
  },
  rolling: async (drilled) => [await rollAll(drilled)],
  certificates: async (drilled) => [await rotateCertificates(drilled)],
  database: async (drilled) => [await restartDatabase(drilled)],
  dependency: async (drilled) => [await loseDependency(drilled)],
  slow: async (drilled) => [await hangOn(drilled)],
};
const ALONE: Readonly<Record<string, (directory: string) => Promise<DrillRow[]>>> = {
  addresses: drillAddresses,
  overload: async () => [await overload()],
};

const names = [...Object.keys(ON_THE_PLATFORM), ...Object.keys(ALONE)];
const { values } = parseArgs({ options: { only: { type: "string" } } });
const only = values.only?.split(",") ?? names;
const unknown = only.find((name) => !names.includes(name));
if (unknown !== undefined) throw new Error(`there is no drill "${unknown}", only ${names.join(", ")}`);

const directory = await mkdtemp(join(tmpdir(), "tenon-drill-"));
const rows: DrillRow[] = [];

async function hold(name: string, drill: () => Promise<DrillRow[]>): Promise<void> {
  if (!only.includes(name)) return;
  const startedMs = performance.now();
  // One that cannot be held to its end is no reason not to hold the others.
  const held = await drill().catch((error: Error): DrillRow[] => [
    { drill: name, invariant: "", calls: 0, failed: 0, longestPauseMs: 0, seen: "", faults: [error.message] },
  ]);
  rows.push(...held);
  const took = ((performance.now() - startedMs) / 1000).toFixed(0);
  say(`${name}: ${took} s, ${held.every(({ faults }) => faults.length === 0) ? "holds" : "FAILS"}`);
}

if (only.some((name) => name in ON_THE_PLATFORM)) {
  say("Starting the platform...");
  await using platform = await startDrillPlatform({ directory, replicas, gateways: 2 });
  await using load = await startDrillLoad(platform);
  await load.answered(120_000);
  for (const [name, drill] of Object.entries(ON_THE_PLATFORM)) await hold(name, () => drill({ platform, load }));
}
for (const [name, drill] of Object.entries(ALONE)) await hold(name, () => drill(directory));

say(`\n${formatDrills(rows)}`);
if (rows.some(({ faults }) => faults.length > 0)) {
  say(`\nThe logs are in ${directory}.`);
  process.exitCode = 1;
} else {
  await rm(directory, { recursive: true, force: true });
}
// Channels of clients would keep it.
process.exit();
