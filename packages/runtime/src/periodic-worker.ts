import type { Logger } from "@tenon/logger";
import type { Worker } from "./worker.ts";

export interface PeriodicWorkerOptions {
  name: string;
  /** From the end of one round to the begin of the next. */
  intervalMs: number;
  /** One round. What it throws is logged, and the next round tries again. It need begin nothing new once `stop` aborts. */
  work: (stop: AbortSignal) => Promise<unknown>;
  logger: Logger;
}

/** A worker that does the same again and again, one round at a time; the first after `intervalMs`. */
export function createPeriodicWorker({ name, intervalMs, work, logger }: PeriodicWorkerOptions): Worker {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let round = Promise.resolve();

  async function run(): Promise<void> {
    try {
      await work(stopping.signal);
    } catch (err) {
      logger.warn({ err, worker: name }, "a round of a worker failed: the next one tries again");
    }
    schedule();
  }

  function schedule(): void {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      round = run();
    }, intervalMs);
  }

  return {
    name,
    start: schedule,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await round;
    },
  };
}
