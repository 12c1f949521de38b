/** So many calls a second in the long run, and so many at once after a pause. */
export interface Rate {
  perSecond: number;
  burst: number;
}

export interface TokenBuckets {
  /** Takes a token of this key's bucket. Returns 0, or for how many milliseconds there is none. */
  take(key: string, rate: Rate): number;
  /** How many keys are remembered. */
  readonly size: number;
}

export interface TokenBucketsOptions {
  /** So many keys are remembered; beyond, the one that was not used for the longest time is forgotten. */
  maxKeys: number;
  /** Milliseconds of a clock; one that jumps back costs a caller at most the time in which a burst comes back. */
  nowMs: () => number;
}

/**
 * Token buckets by key, each a single number: when it will be full again (the generic cell rate algorithm, ITU-T I.371).
 * One that is full is as good as none, so it may be forgotten.
 */
export function createTokenBuckets({ maxKeys, nowMs }: TokenBucketsOptions): TokenBuckets {
  /** The least recently used first. */
  const fullAt = new Map<string, number>();

  function remember(key: string, at: number): void {
    fullAt.delete(key);
    fullAt.set(key, at);
    if (fullAt.size <= maxKeys) return;
    const [oldest] = fullAt.keys();
    fullAt.delete(oldest as string);
  }

  return {
    take(key, { perSecond, burst }) {
      const now = nowMs();
      const tokenMs = 1000 / perSecond;
      const emptyMs = burst * tokenMs;
      const at = Math.min(Math.max(fullAt.get(key) ?? now, now), now + emptyMs);
      const waitMs = at + tokenMs - emptyMs - now;
      // Sums of fractions are off by some billionths.
      if (waitMs > 1e-6) {
        remember(key, at);
        return waitMs;
      }
      remember(key, at + tokenMs);
      return 0;
    },
    get size() {
      return fullAt.size;
    },
  };
}
