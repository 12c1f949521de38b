// `make bench-overload`: one server under five times the load that it can bear, with and without load shedding. See README.md.
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { chooseCores } from "./cores.ts";
import { describeMachine } from "./machine.ts";
import type { CallOutcome, LoadPlan } from "./open-load.ts";
import { drawOverload, judgeOverload, type OverloadResults, toOverloadMarkdown } from "./overload-report.ts";
import { type Phase, toOverloadRun } from "./overload-run.ts";
import { startPeer } from "./peer-process.ts";

/** Four connections of 10 ms: little beside what the server's core could do, so that it is the work that is scarce. */
const NOMINAL_PER_SECOND = 400;
const DEADLINE_MS = 1000;

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

const cores = chooseCores();
const machine = describeMachine({ withGo: false });
const key = (() => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    private: privateKey.export({ format: "jwk" }),
    public: { ...publicKey.export({ format: "jwk" }), kid: "order" },
  };
})();

async function run(name: string, ...options: string[]) {
  say(`${name}: ${phases.reduce((sum, { seconds }) => sum + seconds, 0)} s`);
  const peer = join(import.meta.dirname, "peers/overload-peer.ts");
  const server = await startPeer(
    [process.execPath, peer, `--key=${JSON.stringify(key.public)}`, ...options],
    cores.server,
  );
  try {
    const plan: LoadPlan = { port: server.port, key: key.private, phases, deadlineMs: DEADLINE_MS };
    const load = [process.execPath, join(import.meta.dirname, "open-load.ts"), JSON.stringify(plan)];
    const { stdout } = await promisify(execFile)("taskset", ["-c", `${cores.load}`, ...load], { maxBuffer: 2 ** 28 });
    return toOverloadRun(name, phases, JSON.parse(stdout) as CallOutcome[], OVERLOAD + 1);
  } finally {
    await server.stop();
  }
}

const shedding = await run("with load shedding", "--shedding");
const runs = [shedding, await run("without")];
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
