import type { Logger } from "@tenon/logger";
import type { CallbackQueue } from "./callback-queue.ts";
import type { Transaction } from "./transaction.ts";

export interface CallbackSenderOptions {
  queue: CallbackQueue;
  /** Tells it; resolves once it is acknowledged. Has a deadline of its own. */
  notify: (transaction: Transaction) => Promise<unknown>;
  logger: Logger;
  now: () => Date;
  /** At once; by default 4. */
  concurrency?: number;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;
/** A little more than two hours: later the statement has to do. */
const MAX_ATTEMPTS = 32;

/**
 * Tells what is due, those that wait longest first, until none is left or `stop` aborts; resolves with the number that were
 * acknowledged. One that is not waits twice as long each time. Whoever is killed in between tells it again: at least once.
 */
export function createCallbackSender(options: CallbackSenderOptions): (stop: AbortSignal) => Promise<number> {
  const { queue, notify, logger, now, concurrency = 4 } = options;

  const nextAt = (attempts: number) =>
    new Date(now().getTime() + Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS));

  async function lane(stop: AbortSignal): Promise<number> {
    for (let told = 0; ; ) {
      const due = stop.aborted ? undefined : await queue.take(now(), nextAt);
      if (due === undefined) return told;
      const { id, attempts, transaction } = due;
      const facts = { reference: transaction.reference, kind: transaction.kind, attempts };
      try {
        await notify(transaction);
        await queue.remove(id);
        told += 1;
      } catch (err) {
        if (attempts < MAX_ATTEMPTS) {
          logger.warn({ err, ...facts }, "a callback is not acknowledged and is tried again");
        } else {
          await queue.remove(id);
          logger.error({ err, ...facts }, "a callback is given up: the statement tells it");
        }
      }
    }
  }

  return async (stop) => {
    const told = await Promise.all(Array.from({ length: concurrency }, () => lane(stop)));
    return told.reduce((sum, count) => sum + count, 0);
  };
}
