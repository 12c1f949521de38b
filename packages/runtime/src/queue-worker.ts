import type { Logger } from "@tenon/logger";
import { createPeriodicWorker } from "./periodic-worker.ts";
import type { Worker } from "./worker.ts";

export interface QueueWorkerOptions<Item> {
  name: string;
  /**
   * Time between two looks for what is due; while something is found, the next look follows at once. After a look that
   * failed it is longer: it doubles from 100 ms to 5 s, less a random part of up to a half.
   */
  intervalMs: number;
  /**
   * Claims the item that has been due longest, so that nobody else gets it for a while; undefined where none is due. One
   * call at a time. Where it throws, the first time and the next success are logged.
   */
  take: () => Promise<Item | undefined>;
  /** Does the work; resolves with whether it is done. Must have a deadline of its own. What it throws is logged and counts as not done. */
  handle: (item: Item) => Promise<boolean>;
  /** Items at once; by default 16. */
  concurrency?: number;
  logger: Logger;
  /** From 0 to 1, for the jitter of looks that failed. */
  random?: () => number;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

export interface QueueWorker extends Worker {
  /** Handles what is due, until nothing is or `stop` aborts; resolves with the number that are done, and never rejects. */
  drain(stop: AbortSignal): Promise<number>;
}

/** Handles what is due in a queue, several at once. An item that takes long keeps its own place and nobody else's. */
export function createQueueWorker<Item>(options: QueueWorkerOptions<Item>): QueueWorker {
  const { name, intervalMs, take, handle, concurrency = 16, logger, random = Math.random } = options;
  const drains = new Set<Promise<number>>();
  let lanes = 0;
  let looking: Promise<Item | undefined> | undefined;
  let failures = 0;
  let pausedUntil = 0;

  async function drain(stop: AbortSignal): Promise<number> {
    const open = new Set<Promise<void>>();
    let done = 0;

    function begin(): void {
      // Whoever looks now begins the next lane where it finds something; while it waits, others would wait with it.
      if (looking || lanes >= concurrency) return;
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
        logger.warn({ err, worker: name }, "an item of a worker failed and is tried again");
      }
    }

    while (looking) await looking;
    begin();
    // Lanes begin others while they are waited for.
    while (open.size > 0) await Promise.all(open);
    return done;
  }

  async function next(stop: AbortSignal): Promise<Item | undefined> {
    if (stop.aborted || looking) return undefined;
    looking = look();
    return await looking.finally(() => {
      looking = undefined;
    });
  }

  async function look(): Promise<Item | undefined> {
    try {
      const item = await take();
      if (failures > 0) logger.info({ worker: name, failures }, "a worker sees again what is due");
      failures = 0;
      return item;
    } catch (err) {
      if (failures === 0) logger.warn({ err, worker: name }, "a worker cannot see what is due: it looks until it can");
      const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 16));
      pausedUntil = performance.now() + longestMs * (1 - random() / 2);
      failures += 1;
      return undefined;
    }
  }

  const looks = createPeriodicWorker({
    name,
    intervalMs,
    logger,
    // Not waited for: what is due next is not held by what takes long now.
    async work(stop) {
      if (looking || performance.now() < pausedUntil) return;
      const round = drain(stop).finally(() => drains.delete(round));
      drains.add(round);
    },
  });

  return {
    name,
    start: looks.start,
    async stop() {
      await looks.stop();
      await Promise.all(drains);
    },
    drain,
  };
}
