/** What a load came to. */
export interface LoopResult {
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Does `work` again and again, so many at once, for so long; each begins when the one before it is done. */
export async function closedLoop(
  { atOnce, seconds }: { atOnce: number; seconds: number },
  work: () => Promise<void>,
): Promise<LoopResult> {
  const times: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  const lane = async () => {
    while (performance.now() < endsAt) {
      const begunAt = performance.now();
      await work();
      times.push(performance.now() - begunAt);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  const tookMs = performance.now() - startedAt;
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { count: times.length, perSecond: (times.length * 1000) / tookMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}
