// `make bench-interceptors`: what interceptors cost, each of ours by itself, and whole chains beside others'. See README.md.
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { INTERCEPTOR_AIMS } from "./aims.ts";
import { chooseCores } from "./cores.ts";
import { drawCosts, toCostsMarkdown } from "./interceptor-report.ts";
import { describeMachine } from "./machine.ts";
import { benchChain } from "./peers/bench-chain.ts";
import { runBench, say } from "./run-bench.ts";
import { BASELINE, interceptorPeers } from "./server-peers.ts";
import { WORKLOADS } from "./workloads.ts";

/** Room for all that the calls of one measurement allocate, so that no garbage is collected within it. */
const YOUNG_MIB = 512;

async function measureCosts(quick: boolean): Promise<void> {
  say("What each interceptor costs, within one process...");
  const program = join(import.meta.dirname, "interceptor-costs.ts");
  const node = [process.execPath, `--max-semi-space-size=${YOUNG_MIB}`, program, ...(quick ? ["2", "500"] : [])];
  const machine = describeMachine({ withGo: false });
  const { stdout } = await promisify(execFile)("taskset", ["-c", `${chooseCores().server}`, ...node]);
  const results = { at: new Date().toISOString(), quick, machine, costs: JSON.parse(stdout) };
  const folder = join(import.meta.dirname, "results");
  const file = join(folder, quick ? "interceptor-costs-partial" : "interceptor-costs");
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.json`, `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(`${file}.md`, toCostsMarkdown(results));
  writeFileSync(`${file}.svg`, drawCosts(results));
  say(`\n${toCostsMarkdown(results)}\nWritten to ${file}.json, .md and .svg.\n`);
}

if (!process.argv.some((option) => option.startsWith("--only"))) await measureCosts(process.argv.includes("--quick"));
await runBench({
  name: "interceptors",
  title: "Interceptors: CPU a call",
  baseline: BASELINE,
  workloads: WORKLOADS.filter(({ name }) => name !== "stream"),
  aims: INTERCEPTOR_AIMS,
  async start({ go, key }) {
    const chainLength = benchChain({ services: [], key, uncached: false }).length;
    return { peers: interceptorPeers({ chainLength, key, goProgram: go.program }), close: async () => {} };
  },
});
