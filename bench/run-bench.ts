import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Aim, judge } from "./aims.ts";
import { barChart } from "./bar-chart.ts";
import { type Results, toMarkdown } from "./bench-report.ts";
import { createCaller, type PublicKey } from "./bench-token.ts";
import { type Cores, chooseCores } from "./cores.ts";
import { buildGoPeers, type GoPeers } from "./go-peers.ts";
import { findLoadGenerator } from "./load.ts";
import { describeMachine } from "./machine.ts";
import { createMeasurement } from "./measurement.ts";
import type { Peer } from "./server-peers.ts";
import { type Sample, typical } from "./statistics.ts";
import type { Workload } from "./workloads.ts";

/** What one bench compares. */
export interface Bench {
  /** Of the files with its results. */
  readonly name: string;
  readonly title: string;
  /** What all others are compared with. */
  readonly baseline: string;
  readonly workloads: readonly Workload[];
  readonly aims: readonly Aim[];
  /** The servers, which may need others that run beside them: those are stopped by `close`. */
  start(options: PeerOptions): Promise<{ peers: readonly Peer[]; close(): Promise<void> }>;
  /** Loads by our own client, whatever is installed. */
  readonly ownLoad?: true;
  /** Figures of another kind, a line each. */
  notes?(): readonly string[];
}

export interface PeerOptions {
  readonly go: GoPeers;
  readonly cores: Cores;
  /** Verifies the token that the load carries. */
  readonly key: PublicKey;
}

export const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Runs a bench by the options of the command line and writes its results; a failure is one line and the code 1. */
export async function runBench(bench: Bench): Promise<void> {
  try {
    await run(bench);
  } catch (error) {
    const causes: string[] = [];
    for (let each = error; each instanceof Error; each = each.cause) causes.push(each.message);
    process.stderr.write(`bench-${bench.name}: ${causes.join(": ")}\n`);
    process.exitCode = 1;
  }
}

async function run(bench: Bench): Promise<void> {
  const { quick, only, rounds: roundsText } = readOptions();
  const cores = chooseCores();
  const generator = findLoadGenerator(cores.load, { ownOnly: bench.ownLoad === true });
  const go = buildGoPeers(say);
  const { token, key } = await createCaller();
  const rounds = Number(roundsText ?? (quick ? 1 : 3));
  const [warmUpCpuSeconds, cpuSeconds] = quick ? [0.3, 0.3] : [2, 1.5];
  const machine = describeMachine({ withGo: go.program !== undefined });
  say(`Server on core ${cores.server}, load on core ${cores.load} by ${generator.name}.`);
  for (const what of go.notRun) say(`Not run: ${what}.`);

  const { workloads } = bench;
  const measurement = createMeasurement({ workloads, generator, cores, token, warmUpCpuSeconds, cpuSeconds });
  const samples: Sample[] = [];
  const started = await bench.start({ go, cores, key });
  const peers = choose(started.peers, only);
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const peer of round % 2 === 1 ? peers : peers.toReversed()) {
        const measured = await measurement.measure(peer, round);
        samples.push(...measured);
        say(progressLine(`round ${round}/${rounds}`, peer, measured));
      }
    }
  } finally {
    measurement.close();
    await started.close();
  }

  const results: Results = {
    title: bench.title,
    at: new Date().toISOString(),
    baseline: bench.baseline,
    rounds,
    cpuSeconds,
    quick,
    load: generator.name,
    machine,
    notRun: go.notRun,
    peers: peers.map(({ name, title }) => ({ name, title })),
    workloads: workloads.map(({ name, title, unit }) => ({ name, title, unit })),
    aims: judge(samples, bench.aims),
    notes: bench.notes?.() ?? [],
    samples,
  };
  write(results, quick || only !== undefined ? `${bench.name}-partial` : bench.name);
}

function readOptions() {
  const options = {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    rounds: { type: "string" },
  } as const;
  const { values } = parseArgs({ options });
  if (values.rounds !== undefined && !/^[1-9]\d?$/.test(values.rounds))
    throw new Error(`rounds=${values.rounds} is not a number from 1 to 99`);
  return values;
}

function choose(peers: readonly Peer[], only: string | undefined): readonly Peer[] {
  if (only === undefined) return peers;
  const names = peers.map(({ name }) => name);
  const unknown = only.split(",").find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no server "${unknown}" here, only ${names.join(", ")}`);
  return peers.filter(({ name }) => only.split(",").includes(name));
}

function progressLine(round: string, { name }: Peer, samples: readonly Sample[]): string {
  const figures = samples.map(({ workload, cpuUs }) => `${workload} ${cpuUs.toFixed(1)} us`.padEnd(17));
  return `${round}  ${name.padEnd(26)}  ${figures.join(" ")}`.trimEnd();
}

function write(results: Results, name: string): void {
  const folder = join(import.meta.dirname, "results");
  const markdown = toMarkdown(results);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(join(folder, `${name}.md`), markdown);
  writeFileSync(join(folder, `${name}.svg`), drawResults(results));
  say(`\n${markdown}\nWritten to bench/results/${name}.json, .md and .svg.`);
}

function drawResults({ title, peers, workloads, samples }: Results): string {
  const panels = workloads.map((workload) => ({
    title: `${workload.name}: microseconds of CPU a ${workload.unit} (${workload.title})`,
    bars: peers.flatMap(({ name, title }) => {
      const figures = typical(samples, name, workload.name);
      return figures ? [{ label: title, value: figures.cpuUs, ours: name.startsWith("tenon") }] : [];
    }),
  }));
  return barChart(title, panels);
}
