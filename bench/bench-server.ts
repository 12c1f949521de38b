// `make bench-server`: our server beside others, the same work and the same load for all. See README.md.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { judge, SERVER_AIMS } from "./aims.ts";
import { barChart } from "./bar-chart.ts";
import { type Results, toMarkdown } from "./bench-report.ts";
import { createCaller } from "./bench-token.ts";
import { chooseCores } from "./cores.ts";
import { buildGoPeers } from "./go-peers.ts";
import { findLoadGenerator } from "./load.ts";
import { describeMachine } from "./machine.ts";
import { createMeasurement } from "./measurement.ts";
import { benchChain } from "./peers/bench-chain.ts";
import { BASELINE, type Peer, serverPeers } from "./server-peers.ts";
import { type Sample, typical } from "./statistics.ts";
import { WORKLOADS } from "./workloads.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { quick, only, rounds: roundsText } = readOptions();
  const cores = chooseCores();
  const generator = findLoadGenerator(cores.load);
  const go = buildGoPeers(say);
  const { token, key } = await createCaller();
  const chainLength = benchChain({ services: [], key, uncached: false }).length;
  const peers = choose(serverPeers({ chainLength, key, goProgram: go.program }), only);
  const rounds = Number(roundsText ?? (quick ? 1 : 3));
  const [warmUpCpuSeconds, cpuSeconds] = quick ? [0.3, 0.3] : [2, 1.5];
  const machine = describeMachine({ withGo: go.program !== undefined });
  say(`Server on core ${cores.server}, load on core ${cores.load} by ${generator.name}.`);
  for (const what of go.notRun) say(`Not run: ${what}.`);

  const measurement = createMeasurement({
    workloads: WORKLOADS,
    generator,
    cores,
    token,
    warmUpCpuSeconds,
    cpuSeconds,
  });
  const samples: Sample[] = [];
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
  }

  const results: Results = {
    title: "gRPC servers: CPU a call",
    at: new Date().toISOString(),
    baseline: BASELINE,
    rounds,
    cpuSeconds,
    quick,
    load: generator.name,
    machine,
    notRun: go.notRun,
    peers: peers.map(({ name, title }) => ({ name, title })),
    workloads: WORKLOADS.map(({ name, title, unit }) => ({ name, title, unit })),
    aims: judge(samples, SERVER_AIMS),
    samples,
  };
  write(results, quick || only !== undefined ? "server-partial" : "server");
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
  return `${round}  ${name.padEnd(20)}  ${figures.join(" ")}`.trimEnd();
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

try {
  await main();
} catch (error) {
  const causes: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause) causes.push(each.message);
  process.stderr.write(`bench-server: ${causes.join(": ")}\n`);
  process.exitCode = 1;
}
