/** A clock that stands still until it is told to go on. */
export interface ManualClock {
  now(): Date;
  /** Goes on by `ms` and wakes, in order, who sleeps until then. */
  advance(ms: number): void;
  /** Resolves once the clock has gone on by `ms`; rejects with the signal's reason if that aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

interface Sleeper {
  readonly untilMs: number;
  wake(): void;
}

/** A clock that starts at `startAt`, by default 2026-01-01T00:00:00Z. */
export function createManualClock(startAt = new Date("2026-01-01T00:00:00Z")): ManualClock {
  let nowMs = startAt.getTime();
  const sleepers = new Set<Sleeper>();
  return {
    now: () => new Date(nowMs),
    advance(ms) {
      nowMs += ms;
      const due = [...sleepers].filter(({ untilMs }) => untilMs <= nowMs).sort((a, b) => a.untilMs - b.untilMs);
      for (const sleeper of due) sleeper.wake();
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const end = (settle: () => void) => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", onAbort);
          settle();
        };
        const onAbort = () => end(() => reject(signal?.reason));
        const sleeper = { untilMs: nowMs + ms, wake: () => end(resolve) };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
