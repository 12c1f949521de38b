import type { Logger } from "@tenon/logger";
import { createQueueWorker, type QueueWorker } from "@tenon/runtime";
import type { PaymentStore, Work } from "./payment.ts";
import type { PaymentDriver } from "./payment-driver.ts";

export interface DueStepsOptions {
  store: Pick<PaymentStore, "leaseDueStep">;
  driver: Pick<PaymentDriver, "finish">;
  logger: Logger;
  now: () => Date;
  /** How long an attempt has a step for itself; doubled with each attempt that fails. */
  leaseMs: number;
  /** Time between two looks for steps. */
  intervalMs: number;
}

/** After so many failures the wait grows no more. */
const DOUBLINGS_MAX = 5;

/** Steps that are begun are finished, whoever stops: each is bounded by the processor's deadline. */
const NEVER = new AbortController().signal;

/**
 * Finishes the steps that somebody began and did not finish, being killed, or because the processor did not answer: those
 * whose lease ran out, the oldest first. Any number of replicas may do so.
 */
export function createDueStepFinisher(options: DueStepsOptions): QueueWorker {
  const { store, driver, logger, now, leaseMs, intervalMs } = options;

  const leaseUntil = (attempts: number) => new Date(now().getTime() + leaseMs * 2 ** Math.min(attempts, DOUBLINGS_MAX));

  async function finish(work: Work): Promise<boolean> {
    const { id: reference, kind: step, paymentId: payment_id, attempts } = work.step;
    try {
      await driver.finish(work, NEVER);
      logger.info({ payment_id, step, reference, attempts }, "a step left open is finished");
      return true;
    } catch (err) {
      logger.warn({ err, payment_id, step, reference, attempts }, "a step is still open");
      return false;
    }
  }

  const take = () => store.leaseDueStep(now(), leaseUntil);
  return createQueueWorker({ name: "due-steps", intervalMs, take, handle: finish, logger });
}
