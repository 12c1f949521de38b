import type { Logger } from "@tenon/logger";
import { createPeriodicWorker } from "./periodic-worker.ts";
import type { Worker } from "./worker.ts";

export interface QueueWorkerOptions<Item> {
  name: string;
  /** Time between two looks for what is due; while something is found, the next look follows at once. */
  intervalMs: number;
  /** Claims the item that has been due longest, so that nobody else gets it for a while; undefined where none is due. */
  take: () => Promise<Item | undefined>;
  /** Does the work; resolves with whether it is done. Must have a deadline of its own. What it throws is logged and counts as not done. */
  handle: (item: Item) => Promise<boolean>;
  /** Items at once; by default 16. */
  concurrency?: number;
  logger: Logger;
}

export interface QueueWorker extends Worker {
  /** Handles what is due, until nothing is or `stop` aborts; resolves with the number that are done, and never rejects. */
  drain(stop: AbortSignal): Promise<number>;
}

/** Handles what is due in a queue, several at once. An item that takes long keeps its own place and nobody else's. */
export function createQueueWorker<Item>(options: QueueWorkerOptions<Item>): QueueWorker {
  const { name, intervalMs, take, handle, concurrency = 16, logger } = options;
  const drains = new Set<Promise<number>>();
  let lanes = 0;

  async function drain(stop: AbortSignal): Promise<number> {
    const open = new Set<Promise<void>>();
    let done = 0;

    function begin(): void {
      if (lanes >= concurrency) return;
      lanes += 1;
      const lane = work().finally(() => {
        lanes -= 1;
        open.delete(lane);
      });
      open.add(lane);
    }

    async function work(): Promise<void> {
      try {
        for (let item = await next(stop); item !== undefined; item = await next(stop)) {
          // Where there is one there may be more; a lane that finds nothing ends at once.
          begin();
          if (await handle(item)) done += 1;
        }
      } catch (err) {
        logger.warn({ err, worker: name }, "a round of a worker failed: the next one tries again");
      }
    }

    begin();
    // Lanes begin others while they are waited for.
    while (open.size > 0) await Promise.all(open);
    return done;
  }

  const next = async (stop: AbortSignal) => (stop.aborted ? undefined : take());

  const looking = createPeriodicWorker({
    name,
    intervalMs,
    logger,
    // Not waited for: what is due next is not held by what takes long now.
    async work(stop) {
      const round = drain(stop).finally(() => drains.delete(round));
      drains.add(round);
    },
  });

  return {
    name,
    start: looking.start,
    async stop() {
      await looking.stop();
      await Promise.all(drains);
    },
    drain,
  };
}
