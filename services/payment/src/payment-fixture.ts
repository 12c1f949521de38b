import { randomUUID } from "node:crypto";
import { StatusError } from "@tenon/errors";
import { type Kysely, sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import type { Payment, PaymentStore, Work } from "./payment.ts";
import { createPaymentDriver } from "./payment-driver.ts";
import { createPaymentStore } from "./payment-repository.ts";
import { answerOf, createPaymentService, type PaymentService } from "./payment-service.ts";
import type { Tables } from "./payment-tables.ts";
import { createTestProcessor } from "./processor-fixture.ts";

export const usd = (minor: bigint) => ({ currency: "USD", minor });

/** For tests of the rules: payments on a database, with a processor in memory and no server. */
export function createPayments(db: Kysely<Tables>, now: () => Date = () => new Date()) {
  const store = createPaymentStore(db);
  const processor = createTestProcessor();
  const payments = (tx: PaymentStore = store) => createPaymentService({ store: tx, now, newId: uuidv7 });
  const driver = createPaymentDriver({ store, payments, processor });

  /** A request from its first transaction to its last: the payment, or what is told instead. */
  async function request(begin: (service: PaymentService) => Promise<Work>): Promise<Payment> {
    const work = await store.atomically((tx) => begin(payments(tx)));
    const answer = answerOf(work.step.state === "PENDING" ? await driver.finish(work, NEVER) : work);
    if (answer instanceof StatusError) throw answer;
    return answer;
  }

  const authorize = (
    order: { minor?: bigint; currency?: string; paymentMethod?: string; orderId?: string; requestId?: string } = {},
  ) =>
    request((service) =>
      service.authorize({
        requestId: order.requestId ?? randomUUID(),
        orderId: order.orderId ?? randomUUID(),
        userId: randomUUID(),
        amount: { currency: order.currency ?? "USD", minor: order.minor ?? 1000n },
        paymentMethod: order.paymentMethod ?? "pm_ok",
      }),
    );
  const about = (paymentId: string, requestId: string = randomUUID()) => ({ paymentId, requestId });

  return {
    store,
    processor,
    driver,
    payments,
    authorize,
    capture: (id: string, requestId?: string) => request((service) => service.capture(about(id, requestId))),
    void: (id: string, requestId?: string) => request((service) => service.void(about(id, requestId))),
    refund: (
      id: string,
      minor: bigint,
      { currency = "USD", requestId }: { currency?: string; requestId?: string } = {},
    ) => request((service) => service.refund({ ...about(id, requestId), amount: { currency, minor } })),
    get: (id: string) => payments().get(id, {}),
    async captured(minor = 1000n) {
      const { id } = await authorize({ minor });
      return this.capture(id);
    },
  };
}

export type Payments = ReturnType<typeof createPayments>;

/** Statements that no service would send, in one transaction. */
export const runScript = (db: Kysely<Tables>, script: string): Promise<void> =>
  db.transaction().execute(async (tx) => {
    for (const statement of script.split(";")) await sql.raw(statement).execute(tx);
  });

const NEVER = new AbortController().signal;
