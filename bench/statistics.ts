/** The middle of some numbers, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error("no numbers, no median");
  return (lower + upper) / 2;
}

/** What one peer spent on one workload in one round. */
export interface Sample {
  readonly peer: string;
  readonly workload: string;
  readonly round: number;
  /** Microseconds of CPU a call or message. */
  readonly cpuUs: number;
  readonly perSecond: number;
}

const of = (samples: readonly Sample[], peer: string, workload: string): Sample[] =>
  samples.filter((sample) => sample.peer === peer && sample.workload === workload);

/** The middle of all rounds; undefined where a peer did not run. */
export function typical(samples: readonly Sample[], peer: string, workload: string) {
  const rounds = of(samples, peer, workload);
  if (rounds.length === 0) return undefined;
  return { cpuUs: median(rounds.map((s) => s.cpuUs)), perSecond: median(rounds.map((s) => s.perSecond)) };
}

/**
 * How many times the CPU of `against` a peer spends: each round is compared within itself, because a machine is not
 * equally fast all the time, and the middle of these ratios counts. Undefined where no round has both.
 */
export function cpuRatio(
  samples: readonly Sample[],
  workload: string,
  { peer, against }: { peer: string; against: string },
): number | undefined {
  const base = new Map(of(samples, against, workload).map(({ round, cpuUs }) => [round, cpuUs]));
  const ratios = of(samples, peer, workload).flatMap(({ round, cpuUs }) => {
    const other = base.get(round);
    return other === undefined ? [] : [cpuUs / other];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}
