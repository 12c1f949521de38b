import { expect, test } from "vitest";
import { judgeStarts } from "./start-report.ts";

const start = (readyMs: number, own: number) => ({
  ...{ service: "user", readyMs, cpuMs: 500 },
  memory: { own, resident: own + 60 },
});

for (const [title, starts, met] of [
  ["starts in 1.5 s with 110 MiB meet the aims", [start(1500, 110)], true],
  ["a start that is late misses them", [start(1501, 50)], false],
  ["a service that is too large misses them", [start(900, 111)], false],
  ["one late start of three is no miss", [start(900, 50), start(4000, 50), start(901, 50)], true],
] as const) {
  test(title, () => expect(judgeStarts(starts)).toMatchObject([{ service: "user", met }]));
}
