import { expect, test } from "vitest";
import { judge } from "./aims.ts";

const AIM = { peer: "ours", against: "theirs", workloads: ["small", "order"], atMost: 1.05 };
const sample = (peer: string, cpuUs: number) => ({ peer, workload: "small", round: 1, cpuUs, perSecond: 1 });

for (const [ours, met] of [
  [104, true],
  [105, true],
  [106, false],
] as const) {
  test(`${ours} against 100 ${met ? "meets" : "misses"} an aim of 1.05`, () => {
    expect(judge([sample("ours", ours), sample("theirs", 100)], [AIM])).toEqual([
      { peer: "ours", against: "theirs", workload: "small", atMost: 1.05, ratio: ours / 100, met },
    ]);
  });
}

test("an aim is neither met nor missed where one of the two did not run", () => {
  expect(judge([sample("ours", 100)], [AIM])).toEqual([]);
});
