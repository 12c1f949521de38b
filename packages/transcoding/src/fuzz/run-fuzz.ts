// `make fuzz seconds=60`: requests of strangers until the time is over. A failure names its seed: `make fuzz seed=…`.
import { parseArgs } from "node:util";
import { defaultReportMessage, type RunDetails } from "fast-check";
import { withConnect } from "../connect/with-connect.ts";
import { compileThings, createThings } from "../things-fixture.ts";
import { createTranscoder } from "../transcoder.ts";
import { fuzz } from "./fuzz.ts";
import { fuzzRpc } from "./fuzz-rpc.ts";
import { fuzzSockets } from "./fuzz-sockets.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" }, seed: { type: "string" } } });
const timeMs = Number(values.seconds) * 1000;
const seed = Number(values.seed ?? Date.now() & 0x7fffffff);
if (!(timeMs > 0) || !Number.isInteger(seed)) throw new Error("seconds is a number above 0, seed a whole number");

const things = createThings({ service: compileThings() });
const transcoder = createTranscoder({ backends: [things] });
const report = {
  ...(await fuzz({ handle: transcoder.handle, seed, timeMs: timeMs / 2 })),
  rpc: await fuzzRpc(withConnect(transcoder), { seed, timeMs: timeMs / 4 }),
  sockets: await fuzzSockets(things, { seed, timeMs: timeMs / 4 }),
};
await things.close();

for (const [what, details] of Object.entries(report) as [string, RunDetails<[unknown]>][]) {
  process.stdout.write(`${what}: ${details.numRuns} runs, seed ${seed}${details.failed ? ", FAILED" : ""}\n`);
  if (details.failed) process.stdout.write(`${defaultReportMessage(details)}\n`);
}
process.exitCode = Object.values(report).some(({ failed }) => failed) ? 1 : 0;
