import { expect, test } from "vitest";
import { runSimulation, type SimulatedRun } from "./simulation/simulated-platform.ts";

const SEEDS = Array.from({ length: 100 }, (_, i) => i + 1);

async function runAll(options: { unfenced?: boolean } = {}): Promise<SimulatedRun[]> {
  const runs: SimulatedRun[] = [];
  for (const seed of SEEDS) runs.push(await runSimulation({ seed, ...options }));
  return runs;
}

test("22-31, 36, 37: whoever is killed and whatever is lost, late or doubled, all orders rest with their money where they say", async () => {
  const runs = await runAll();
  const broken = runs.filter(({ violations }) => violations.length > 0);
  expect(broken.map(({ seed, violations }) => `make simulation seed=${seed}: ${violations.join("; ")}`)).toEqual([]);
  // Seeds that brought nothing about would show nothing.
  expect(runs.reduce((sum, { orders }) => sum + orders, 0)).toBeGreaterThan(SEEDS.length * 4);
  expect(runs.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThan(SEEDS.length * 3);
}, 120_000);

test("without the claims' fencing the same worlds break the promise", async () => {
  const runs = await runAll({ unfenced: true });
  expect(runs.filter(({ violations }) => violations.length > 0).length).toBeGreaterThan(0);
}, 120_000);

test("a seed gives the same world each time, and another one gives another", async () => {
  const [once, again, other] = [
    await runSimulation({ seed: 7 }),
    await runSimulation({ seed: 7 }),
    await runSimulation({ seed: 8 }),
  ];
  expect(again.history).toEqual(once.history);
  expect(other.history).not.toEqual(once.history);
}, 60_000);
