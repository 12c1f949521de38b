import type { Logger } from "@tenon/logger";
import { createQueueWorker, type QueueWorker } from "@tenon/runtime";
import type { CallbackQueue, DueCallback } from "./callback-queue.ts";
import type { Transaction } from "./transaction.ts";

export interface CallbackSenderOptions {
  queue: CallbackQueue;
  /** Tells it; resolves once it is acknowledged. Has a deadline of its own. */
  notify: (transaction: Transaction) => Promise<unknown>;
  logger: Logger;
  now: () => Date;
}

/** Time between two looks for callbacks to send. */
const INTERVAL_MS = 500;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;
/** A little more than two hours: later the statement has to do. */
const MAX_ATTEMPTS = 32;

/**
 * Tells what is due, those that wait longest first. One that is not acknowledged waits twice as long each time. Whoever is
 * killed in between tells it again: at least once.
 */
export function createCallbackSender({ queue, notify, logger, now }: CallbackSenderOptions): QueueWorker {
  const nextAt = (attempts: number) =>
    new Date(now().getTime() + Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS));

  async function tell({ id, attempts, transaction }: DueCallback): Promise<boolean> {
    const facts = { reference: transaction.reference, kind: transaction.kind, attempts };
    try {
      await notify(transaction);
    } catch (err) {
      if (attempts < MAX_ATTEMPTS) {
        logger.warn({ err, ...facts }, "a callback is not acknowledged and is tried again");
      } else {
        await queue.remove(id);
        logger.error({ err, ...facts }, "a callback is given up: the statement tells it");
      }
      return false;
    }
    await queue.remove(id);
    return true;
  }

  const take = () => queue.take(now(), nextAt);
  return createQueueWorker({ name: "callbacks", intervalMs: INTERVAL_MS, take, handle: tell, logger });
}
