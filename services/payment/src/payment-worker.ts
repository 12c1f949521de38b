import type { Logger } from "@tenon/logger";
import type { Worker } from "@tenon/runtime";
import type { PaymentStore } from "./payment.ts";
import type { PaymentDriver } from "./payment-driver.ts";

export interface PaymentWorkerOptions {
  store: PaymentStore;
  driver: PaymentDriver;
  logger: Logger;
  now: () => Date;
  /** How long an attempt has a step for itself; doubled with each attempt that fails. */
  leaseMs: number;
  /** How often to look for steps; by default every 2 s. */
  intervalMs?: number;
  /** Steps at once; by default 4. */
  concurrency?: number;
}

export interface PaymentWorker extends Worker {
  /** Finishes what is due now; resolves with the number of steps. */
  finishDue(): Promise<number>;
}

/** An attempt that fails for the sixth time waits no longer for the seventh. */
const DOUBLINGS_MAX = 5;

/**
 * Finishes the steps that somebody began and did not finish, because he was killed or the processor did not answer: those
 * whose lease ran out, the oldest first. On as many replicas as there are.
 */
export function createPaymentWorker(options: PaymentWorkerOptions): PaymentWorker {
  const { store, driver, logger, now, leaseMs, intervalMs = 2000, concurrency = 4 } = options;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<unknown> = Promise.resolve();

  const leaseUntil = (attempts: number) => new Date(now().getTime() + leaseMs * 2 ** Math.min(attempts, DOUBLINGS_MAX));

  /** Finishes due steps until none is left; resolves with their number. */
  async function lane(): Promise<number> {
    for (let finished = 0; ; ) {
      if (stopping.signal.aborted) return finished;
      const work = await store.leaseDueStep(now(), leaseUntil);
      if (work === undefined) return finished;
      const { id, kind, paymentId, attempts } = work.step;
      try {
        await driver.finish(work, stopping.signal);
        finished += 1;
        logger.info({ payment_id: paymentId, step: kind, attempts }, "a step left open is finished");
      } catch (err) {
        if (stopping.signal.aborted) return finished;
        logger.warn({ err, payment_id: paymentId, step: kind, reference: id, attempts }, "a step is still open");
      }
    }
  }

  async function finishDue(): Promise<number> {
    const finished = await Promise.all(Array.from({ length: concurrency }, lane));
    return finished.reduce((sum, count) => sum + count, 0);
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = finishDue()
        .catch((err) => logger.warn({ err }, "steps left open cannot be read"))
        .finally(() => stopping.signal.aborted || schedule());
    }, intervalMs);
  }

  return {
    name: "payment-steps",
    finishDue,
    start: schedule,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await round;
    },
  };
}
