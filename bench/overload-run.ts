import { type CallOutcome, RANKS, type Rank } from "./open-load.ts";

/** One server under one load, phase by phase. */
export interface OverloadRun {
  readonly name: string;
  readonly phases: readonly PhaseFigures[];
  /** How long after the overload calls went through again as before it; undefined where they did not. */
  readonly recoveryMs: number | undefined;
  /** Each half second of the run, for the plot. */
  readonly course: readonly { readonly atS: number; readonly offered: number; readonly good: number }[];
}

export interface PhaseFigures {
  readonly title: string;
  readonly offered: number;
  /** Answered with OK, a second. */
  readonly good: number;
  readonly shed: number;
  /** Given up by their callers. */
  readonly late: number;
  readonly failed: number;
  /** Of the calls that were answered with OK, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Which share of each rank was answered with OK. */
  readonly share: Readonly<Record<Rank, number>>;
}

export interface Phase {
  readonly title: string;
  readonly perSecond: number;
  readonly seconds: number;
}

const SLICE_MS = 500;

/** `after` is the index of the phase that follows the overload. */
export function toOverloadRun(
  name: string,
  phases: readonly Phase[],
  outcomes: readonly CallOutcome[],
  after: number,
): OverloadRun {
  const of = phases.map((_, index) => outcomes.filter(({ phase }) => phase === index));
  return {
    name,
    phases: phases.map((phase, index) => figuresOf(phase, of[index] ?? [])),
    recoveryMs: recoveryOf(
      of[after] ?? [],
      phases.slice(0, after).reduce((sum, { seconds }) => sum + seconds * 1000, 0),
    ),
    course: courseOf(outcomes),
  };
}

function figuresOf({ title, seconds }: Phase, outcomes: readonly CallOutcome[]): PhaseFigures {
  const count = (end: CallOutcome["end"]) => outcomes.filter((outcome) => outcome.end === end).length / seconds;
  const times = outcomes.flatMap(({ end, tookMs }) => (end === "ok" ? [tookMs] : [])).sort((a, b) => a - b);
  const quantile = (q: number) => times[Math.floor(q * (times.length - 1))] ?? 0;
  const shareOf = (rank: Rank) => {
    const all = outcomes.filter((outcome) => outcome.rank === rank);
    return all.filter(({ end }) => end === "ok").length / Math.max(1, all.length);
  };
  return {
    title,
    offered: outcomes.length / seconds,
    good: count("ok"),
    shed: count("shed"),
    late: count("late"),
    failed: count("failed"),
    p50: quantile(0.5),
    p99: quantile(0.99),
    share: Object.fromEntries(RANKS.map((rank) => [rank, shareOf(rank)])) as Record<Rank, number>,
  };
}

/** From then on 99 of 100 calls of each half second went through. */
function recoveryOf(outcomes: readonly CallOutcome[], startMs: number): number | undefined {
  const slices = slice(outcomes).map(([atMs, calls]) => {
    return { atMs, well: calls.filter(({ end }) => end === "ok").length >= 0.99 * calls.length };
  });
  const lastBad = slices.findLastIndex(({ well }) => !well);
  if (lastBad === slices.length - 1) return undefined;
  return lastBad === -1 ? 0 : Math.max(0, (slices[lastBad]?.atMs ?? 0) + SLICE_MS - startMs);
}

const courseOf = (outcomes: readonly CallOutcome[]) =>
  slice(outcomes).map(([atMs, calls]) => ({
    atS: atMs / 1000,
    offered: (calls.length * 1000) / SLICE_MS,
    good: (calls.filter(({ end }) => end === "ok").length * 1000) / SLICE_MS,
  }));

/** By when they were sent. */
function slice(outcomes: readonly CallOutcome[]): [atMs: number, calls: CallOutcome[]][] {
  const slices = Map.groupBy(outcomes, ({ sentMs }) => Math.floor(sentMs / SLICE_MS) * SLICE_MS);
  return [...slices].sort(([a], [b]) => a - b);
}
