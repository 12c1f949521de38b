// `make chaos`: real processes, orders, and kill -9 of each of them, then a look through all books. See docs/money.md.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createChaosHistory } from "./chaos-history.ts";
import { formatReport } from "./chaos-report.ts";
import { runChaos } from "./chaos-run.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);
const SHOWN_VIOLATIONS = 20;

const { values } = parseArgs({ options: { minutes: { type: "string" }, seed: { type: "string" } } });
const minutes = Number(values.minutes ?? 2);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (!(minutes > 0 && minutes <= 600)) throw new Error("minutes= takes a number above 0, at most 600");
if (!Number.isSafeInteger(seed) || seed < 0) throw new Error("seed= takes a whole number");

const directory = join(import.meta.dirname, "../../.data/chaos", new Date().toISOString().replaceAll(/[:.]/g, "-"));
await mkdir(directory, { recursive: true, mode: 0o700 });
const history = createChaosHistory(join(directory, "history.jsonl"));
say(`seed ${seed}, history in ${directory}`);

const result = await runChaos({ directory, seed, durationMs: minutes * 60_000, history, say });
await history.close();
say(`\n${formatReport(result)}\n`);
for (const what of result.violations.slice(0, SHOWN_VIOLATIONS)) say(`VIOLATION ${what}`);
if (result.violations.length > 0) {
  say(`\n${result.violations.length} violations with seed ${seed}: the history and the data are in ${directory}`);
  process.exitCode = 1;
} else {
  // The history is small; the data of a run that went well nobody needs.
  await rm(join(directory, "postgres"), { recursive: true, force: true });
}
// Channels of clients would keep it.
process.exit();
