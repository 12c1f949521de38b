import { expect, test } from "vitest";
import { cpuRatio, median, type Sample, typical } from "./statistics.ts";

for (const [values, expected] of [
  [[7], 7],
  [[1, 100], 50.5],
  [[3, 1, 2], 2],
  [[10, 9, 100], 10], // by number, not by text
  [[4, 1, 3, 2], 2.5],
] as const) {
  test(`the median of ${values.join(", ")} is ${expected}`, () => {
    expect(median(values)).toBe(expected);
  });
}

test("a median leaves its numbers in their order", () => {
  const values = [3, 1, 2];
  median(values);
  expect(values).toEqual([3, 1, 2]);
});

test("no numbers have no median", () => {
  expect(() => median([])).toThrow("no median");
});

const sample = (peer: string, round: number, cpuUs: number, workload = "small"): Sample => ({
  peer,
  workload,
  round,
  cpuUs,
  perSecond: 1e6 / cpuUs,
});

test("what is typical of a peer is the median of its own rounds of one workload", () => {
  const samples = [
    sample("a", 1, 10),
    sample("a", 2, 90),
    sample("a", 3, 20),
    sample("b", 1, 1),
    sample("a", 1, 5, "order"),
  ];
  expect(typical(samples, "a", "small")).toEqual({ cpuUs: 20, perSecond: 50_000 });
  expect(typical(samples, "c", "small")).toBeUndefined();
});

test("peers are compared within each round, so that a slow minute of the machine changes no ratio", () => {
  const samples = [
    ...[sample("a", 1, 10), sample("b", 1, 20)],
    ...[sample("b", 2, 90), sample("a", 2, 30)], // the other way round, on a machine three times as slow
    ...[sample("a", 3, 10), sample("b", 3, 10)],
  ];
  expect(cpuRatio(samples, "small", { peer: "b", against: "a" })).toBe(2);
  expect(cpuRatio(samples, "small", { peer: "a", against: "a" })).toBe(1);
});

test("a ratio needs a round with both", () => {
  const samples = [sample("a", 1, 10), sample("b", 2, 20), sample("b", 1, 20, "order")];
  expect(cpuRatio(samples, "small", { peer: "b", against: "a" })).toBeUndefined();
});
