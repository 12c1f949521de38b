import { expect, test } from "vitest";
import type { CallOutcome } from "./open-load.ts";
import { judgeOverload } from "./overload-report.ts";
import { type Phase, toOverloadRun } from "./overload-run.ts";

const PHASES: readonly Phase[] = [
  { title: "before", perSecond: 10, seconds: 2 },
  { title: "overload", perSecond: 50, seconds: 2 },
  { title: "after", perSecond: 10, seconds: 4 },
];

/** Ten calls a second that go well, fifty of which ten do, and ten again of which none does for so long. */
function outcomes(badMs: number): CallOutcome[] {
  return PHASES.flatMap(({ perSecond, seconds }, phase) =>
    Array.from({ length: perSecond * seconds }, (_, n) => {
      const startMs = [0, 2000, 4000][phase] as number;
      const sentMs = startMs + (n * 1000) / perSecond;
      const well = phase === 1 ? n % 5 === 0 : phase === 0 || sentMs >= 4000 + badMs;
      return {
        phase,
        rank: n % 5 === 0 ? "high" : "low",
        sentMs,
        tookMs: 10 + (n % 2),
        end: well ? "ok" : "shed",
      } as const;
    }),
  );
}

test("each phase has its rates, times and shares", () => {
  const { phases } = toOverloadRun("a server", PHASES, outcomes(0), 2);
  expect(phases[1]).toMatchObject({ offered: 50, good: 10, shed: 40, late: 0, failed: 0, p50: 10, p99: 11 });
  expect(phases[1]?.share).toEqual({ high: 1, normal: 0, low: 0 });
});

for (const [badMs, recoveryMs] of [
  [0, 0],
  [1000, 1000],
  [1200, 1500],
  [10_000, undefined],
] as const) {
  test(`a server that refuses for ${badMs} ms after the overload has recovered after ${recoveryMs}`, () => {
    const run = toOverloadRun("a server", PHASES, outcomes(badMs), 2);
    expect(run.recoveryMs).toBe(recoveryMs);
    expect(judgeOverload(run, 10, 1).map(({ met }) => met)).toEqual([true, true, true, recoveryMs !== undefined]);
  });
}

test("less than four fifths of the peak is not enough, nor is an answer that comes late", () => {
  const slow = outcomes(0).map((outcome) => ({ ...outcome, tookMs: 400 }));
  const judged = judgeOverload(toOverloadRun("a server", PHASES, slow, 2), 13, 1);
  expect(judged.slice(0, 2).map(({ met }) => met)).toEqual([false, false]);
});
