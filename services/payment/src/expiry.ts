import type { Logger } from "@tenon/logger";
import type { PaymentStore } from "./payment.ts";
import type { PaymentDriver } from "./payment-driver.ts";
import type { PaymentService } from "./payment-service.ts";

export interface ExpirerOptions {
  store: PaymentStore;
  /** The rules on the store of a transaction. */
  payments: (store: PaymentStore) => Pick<PaymentService, "expire">;
  driver: PaymentDriver;
  logger: Logger;
  now: () => Date;
  /** How long a reservation that is not taken is kept. */
  maxAgeMs: number;
}

/** At once; the next ones follow when these are done. */
const BATCH = 16;

/** The processor's deadline bounds what was begun. */
const NEVER = new AbortController().signal;

/**
 * Gives up reservations that were not taken in time, the oldest first, until none is left or `stop` aborts; resolves with
 * their number. The payment is EXPIRED first, so that of a capture and the expiry one wins, and the processor releases its
 * money next. Where it does not answer the step stays open for the worker of due steps. Any number of replicas may do so.
 */
export function createExpirer(options: ExpirerOptions): (stop: AbortSignal) => Promise<number> {
  const { store, payments, driver, logger, now, maxAgeMs } = options;

  return async (stop) => {
    for (let expired = 0; ; ) {
      const before = new Date(now().getTime() - maxAgeMs);
      const stale = await store.listStale(before, BATCH);
      const given = await Promise.all(stale.map((id) => giveUp(id, before)));
      expired += given.filter(Boolean).length;
      if (stale.length < BATCH || stop.aborted) return expired;
    }
  };

  /** False where it was taken or released meanwhile. */
  async function giveUp(id: string, before: Date): Promise<boolean> {
    const work = await store.atomically((tx) => payments(tx).expire(id, before));
    if (work === undefined) return false;
    const { id: reference } = work.step;
    logger.info({ payment_id: id, reference }, "a reservation that was not taken in time is given up");
    await driver.finish(work, NEVER).catch((err: unknown) => {
      logger.warn({ err, payment_id: id, reference }, "the processor is still to release an expired reservation");
    });
    return true;
  }
}
