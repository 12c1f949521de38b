// `make bench-overload`: one server under five times the load that it can bear, with and without load shedding. See README.md.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { measureOverload, NOMINAL_PER_SECOND } from "./overload-measurement.ts";
import { drawOverload, judgeOverload, type OverloadResults, toOverloadMarkdown } from "./overload-report.ts";
import type { OverloadRun, Phase } from "./overload-run.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const say = (line: string) => void process.stdout.write(`${line}\n`);

const rampS = values.quick ? 1 : 4;
const overloadSeconds = values.quick ? 4 : 20;
const phases: readonly Phase[] = [
  { title: "warm-up", perSecond: NOMINAL_PER_SECOND / 2, seconds: rampS },
  ...[0.8, 0.9, 1].map((load) => ({
    title: `${load * 100} % of the capacity`,
    perSecond: NOMINAL_PER_SECOND * load,
    seconds: rampS,
  })),
  { title: "5 x the capacity", perSecond: NOMINAL_PER_SECOND * 5, seconds: overloadSeconds },
  { title: "50 % again", perSecond: NOMINAL_PER_SECOND / 2, seconds: values.quick ? 3 : 10 },
];
const OVERLOAD = 4;

const machine = describeMachine({ withGo: false });
const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0);

async function run(name: string, isShedding: boolean): Promise<OverloadRun> {
  say(`${name}: ${seconds} s`);
  return measureOverload({ name, phases, overload: OVERLOAD, isShedding });
}

const shedding = await run("with load shedding", true);
const runs = [shedding, await run("without", false)];
const peak = Math.max(...shedding.phases.slice(0, OVERLOAD).map(({ good }) => good));
const aims = judgeOverload(shedding, peak, OVERLOAD);
const at = new Date().toISOString();
const results: OverloadResults = { at, quick: values.quick, machine, peak, overloadSeconds, runs, aims };
const name = values.quick ? "overload-partial" : "overload";
const folder = join(import.meta.dirname, "results");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
writeFileSync(join(folder, `${name}.md`), toOverloadMarkdown(results));
writeFileSync(join(folder, `${name}.svg`), drawOverload(results));
say(`\n${toOverloadMarkdown(results)}\nWritten to bench/results/${name}.json, .md and .svg.`);
if (!values.quick && aims.some(({ met }) => !met)) process.exitCode = 1;
