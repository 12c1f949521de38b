import type { Logger } from "@tenon/logger";
import type { PaymentStore } from "./payment.ts";
import type { PaymentDriver } from "./payment-driver.ts";

export interface DueStepsOptions {
  store: PaymentStore;
  driver: PaymentDriver;
  logger: Logger;
  now: () => Date;
  /** How long an attempt has a step for itself; doubled with each attempt that fails. */
  leaseMs: number;
  /** Steps at once; by default 4. */
  concurrency?: number;
}

/** After so many failures the wait grows no more. */
const DOUBLINGS_MAX = 5;

/** Steps that are begun are finished, whoever stops: each is bounded by the processor's deadline. */
const NEVER = new AbortController().signal;

/**
 * Finishes the steps that somebody began and did not finish, because he was killed or the processor did not answer: those
 * whose lease ran out, the oldest first, until none is left or `stop` aborts. Resolves with their number. Any number of
 * replicas may do so.
 */
export function createDueStepFinisher(options: DueStepsOptions): (stop: AbortSignal) => Promise<number> {
  const { store, driver, logger, now, leaseMs, concurrency = 4 } = options;

  const leaseUntil = (attempts: number) => new Date(now().getTime() + leaseMs * 2 ** Math.min(attempts, DOUBLINGS_MAX));

  async function lane(stop: AbortSignal): Promise<number> {
    for (let finished = 0; ; ) {
      const work = stop.aborted ? undefined : await store.leaseDueStep(now(), leaseUntil);
      if (work === undefined) return finished;
      const { id: reference, kind: step, paymentId: payment_id, attempts } = work.step;
      try {
        await driver.finish(work, NEVER);
        finished += 1;
        logger.info({ payment_id, step, reference, attempts }, "a step left open is finished");
      } catch (err) {
        logger.warn({ err, payment_id, step, reference, attempts }, "a step is still open");
      }
    }
  }

  return async (stop) => {
    const finished = await Promise.all(Array.from({ length: concurrency }, () => lane(stop)));
    return finished.reduce((sum, count) => sum + count, 0);
  };
}
