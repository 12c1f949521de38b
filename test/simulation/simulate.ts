// `make simulation`: the platform's rules in many worlds, each of which one seed decides. `seed=` repeats one, with its history.
import { parseArgs } from "node:util";
import { runSimulation } from "./simulated-platform.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);
const { values } = parseArgs({ options: { seed: { type: "string" }, seeds: { type: "string", default: "500" } } });

const [first, count] = values.seed === undefined ? [1, Number(values.seeds)] : [Number(values.seed), 1];
if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1) {
  process.stderr.write("simulation: seed and seeds are whole numbers\n");
  process.exit(2);
}
const startedAt = performance.now();
let [orders, kills, violations] = [0, 0, 0];
for (let seed = first; seed < first + count; seed++) {
  const run = await runSimulation({ seed });
  orders += run.orders;
  kills += run.kills;
  violations += run.violations.length;
  if (values.seed !== undefined) for (const line of run.history) say(line);
  if (run.violations.length > 0) say(`seed ${seed}: ${run.violations.join("; ")} (make simulation seed=${seed})`);
  if ((seed - first + 1) % 100 === 0) say(`${seed - first + 1} of ${count} worlds`);
}
const seconds = (performance.now() - startedAt) / 1000;
say(`${count} worlds, ${orders} orders, ${kills} kills, ${violations} violations, in ${seconds.toFixed(1)} s`);
process.exitCode = violations === 0 ? 0 : 1;
