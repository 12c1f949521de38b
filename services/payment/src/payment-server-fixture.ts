import { randomUUID } from "node:crypto";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { createLogger } from "@tenon/logger";
import { createManualClock, testDatabase, testServer } from "@tenon/testing";
import { onTestFinished } from "vitest";
import type { Tables } from "./payment-tables.ts";
import { createTestProcessor } from "./processor-fixture.ts";
import { paymentMigrations, wirePayment } from "./server.ts";

export const LEASE_MS = 10_000;
export const MAX_AGE_MS = 3_600_000;
const timeoutMs = 10_000;
const NEVER = new AbortController().signal;

/** Payment behind the standard chain, with a database of its own, a processor in memory and a clock that stands. */
export async function servePayment() {
  const { db, close } = await testDatabase<Tables>({ migrations: paymentMigrations });
  onTestFinished(close);
  const clock = createManualClock(new Date());
  const processor = createTestProcessor();
  const logger = createLogger({ name: "test", level: "silent" });
  const secret = Buffer.alloc(32, 7);
  const wired = wirePayment({
    db,
    processor,
    statement: processor.statement,
    logger,
    secret,
    leaseMs: LEASE_MS,
    authorizationMaxAgeMs: MAX_AGE_MS,
    now: clock.now,
  });
  const server = testServer({ name: "payment", services: wired.services });
  onTestFinished(() => server.close());
  const connectTo = server.connect;
  const connect = (caller?: Parameters<typeof server.connect>[1]) => server.connect(paymentv1.PaymentService, caller);
  const order = connect({ service: "order" });

  const authorization = (change: Partial<ReturnType<typeof defaults>> = {}) => ({ ...defaults(), ...change });
  const authorized = async (change: Parameters<typeof authorization>[0] = {}) => {
    const { payment } = await order.authorizePayment(authorization(change), { timeoutMs });
    if (payment === undefined) throw new Error("there is no payment in the response");
    return payment;
  };
  const captured = async () => {
    const { id: paymentId } = await authorized();
    const { payment } = await order.capturePayment({ requestId: randomUUID(), paymentId }, { timeoutMs });
    if (payment === undefined) throw new Error("there is no payment in the response");
    return payment;
  };
  return {
    db,
    clock,
    processor,
    reconcileSome: () => wired.reconcileSome(NEVER),
    expireStale: () => wired.expireStale(NEVER),
    finishDueSteps: () => wired.finishDueSteps(NEVER),
    connect,
    connectTo,
    order,
    authorization,
    authorized,
    captured,
  };
}

export const usd = (units: bigint, nanos = 0) => ({ currencyCode: "USD", units, nanos });

const defaults = () => ({
  requestId: randomUUID() as string,
  orderId: randomUUID() as string,
  userId: randomUUID() as string,
  amount: usd(10n) as { currencyCode: string; units: bigint; nanos: number } | undefined,
  paymentMethod: "pm_ok",
});
