import { StatusError } from "@tenon/errors";

export interface WorkQueueOptions {
  /** How many run at once. */
  concurrency: number;
  /** How many may wait for their turn; by default 64. */
  maxWaiting?: number;
  /** What those that may not wait are told to wait before another attempt; by default 1000 ms. */
  retryDelayMs?: number;
}

/** Runs expensive work a few at a time, in the order of asking. */
export interface WorkQueue {
  /** RESOURCE_EXHAUSTED (OVERLOADED) where the queue is full. Waiting ends with the signal, work that has begun does not. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export function createWorkQueue({ concurrency, maxWaiting = 64, retryDelayMs = 1000 }: WorkQueueOptions): WorkQueue {
  let running = 0;
  const waiting = new Set<() => void>();

  const turn = (signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const begin = () => {
        leave();
        resolve();
      };
      const give = () => {
        leave();
        reject(signal?.reason);
      };
      const leave = () => {
        waiting.delete(begin);
        signal?.removeEventListener("abort", give);
      };
      waiting.add(begin);
      signal?.addEventListener("abort", give);
    });

  return {
    async run(work, signal) {
      signal?.throwIfAborted();
      if (running < concurrency) running++;
      else if (waiting.size < maxWaiting) await turn(signal);
      else throw new StatusError("RESOURCE_EXHAUSTED", "too many wait already", { reason: "OVERLOADED", retryDelayMs });
      try {
        return await work();
      } finally {
        // The next one takes over the place; only where nobody waits does it become free.
        const [next] = waiting;
        if (next) next();
        else running--;
      }
    },
  };
}
