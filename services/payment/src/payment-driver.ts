import type { PaymentStore, Work } from "./payment.ts";
import type { PaymentService } from "./payment-service.ts";
import type { Processor, Verdict } from "./processor.ts";

export interface PaymentDriverOptions {
  store: PaymentStore;
  /** The rules on the store of a transaction. */
  payments: (store: PaymentStore) => Pick<PaymentService, "settle">;
  processor: Processor;
}

export type PaymentDriver = ReturnType<typeof createPaymentDriver>;

/**
 * Asks the processor for the answer to a pending step. Holds no transaction. Any number of attempts may ask at once: the
 * processor knows the reference, and the first answer that is written down stands. Rejects where there was no answer;
 * the step is PENDING as before then.
 */
export function createPaymentDriver({ store, payments, processor }: PaymentDriverOptions) {
  async function ask({ step, payment }: Work, signal: AbortSignal): Promise<Verdict> {
    const { id: reference, kind, amount } = step;
    if (kind === "AUTHORIZE") {
      const { paymentMethod } = payment;
      if (paymentMethod === null) throw new Error("a payment lost its method before it was authorized");
      return processor.authorize({ reference, amount, paymentMethod }, { signal });
    }
    const authorizationId = payment.authorizationId ?? (await learnAuthorization(payment.id, signal));
    if (authorizationId === null) return NOTHING_RESERVED;
    const request = { reference, authorizationId };
    if (kind === "CAPTURE") return processor.capture(request, { signal });
    if (kind === "VOID") return processor.void(request, { signal });
    return processor.refund({ ...request, amount }, { signal });
  }

  /** A payment that is voided while it is authorized: only the processor knows what there is to release. */
  async function learnAuthorization(paymentId: string, signal: AbortSignal): Promise<string | null> {
    const work = await store.findAuthorizeStep(paymentId);
    if (work?.step.state !== "PENDING") return work?.payment.authorizationId ?? null;
    const verdict = await ask(work, signal);
    const settled = await store.atomically((tx) => payments(tx).settle(work.step, verdict));
    return settled.payment.authorizationId;
  }

  return {
    ask,

    /** Asks and writes the answer. */
    async finish(work: Work, signal: AbortSignal): Promise<Work> {
      const verdict = await ask(work, signal);
      return store.atomically((tx) => payments(tx).settle(work.step, verdict));
    },
  };
}

const NOTHING_RESERVED: Verdict = { approved: true, transactionId: "" };
