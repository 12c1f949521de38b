// `make fuzz seconds=60`: requests of strangers until the time is over. A failure names its seed: `make fuzz seed=…`.
import { parseArgs } from "node:util";
import { defaultReportMessage } from "fast-check";
import { compileThings, createThings } from "../things-fixture.ts";
import { createTranscoder } from "../transcoder.ts";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" }, seed: { type: "string" } } });
const timeMs = Number(values.seconds) * 1000;
const seed = Number(values.seed ?? Date.now() & 0x7fffffff);
if (!(timeMs > 0) || !Number.isInteger(seed)) throw new Error("seconds is a number above 0, seed a whole number");

const things = createThings({ service: compileThings() });
const { handle } = createTranscoder({ backends: [things] });
const report = await fuzz({ handle, seed, timeMs });
await things.close();

for (const [what, details] of Object.entries(report)) {
  process.stdout.write(`${what}: ${details.numRuns} requests, seed ${seed}${details.failed ? ", FAILED" : ""}\n`);
  if (details.failed) process.stdout.write(`${defaultReportMessage(details)}\n`);
}
process.exitCode = Object.values(report).some(({ failed }) => failed) ? 1 : 0;
