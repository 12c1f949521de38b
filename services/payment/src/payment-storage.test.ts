import { databaseMigrations } from "@tenon/database";
import { outboxMigrations } from "@tenon/events";
import { createMemoryDatabase, testDatabase, untroubledLife } from "@tenon/testing";
import { v7 as uuidv7 } from "uuid";
import { describe, expect, onTestFinished, test } from "vitest";
import { entryOf } from "./ledger/ledger.ts";
import { createMemoryPaymentStore, type PaymentTables } from "./memory-payment-store.ts";
import { newPayment, type Payment, type PaymentStore, type Step } from "./payment.ts";
import { createPaymentStore } from "./payment-repository.ts";
import type { Tables } from "./payment-tables.ts";

const STORES: Record<string, () => Promise<PaymentStore>> = {
  async PostgreSQL() {
    const own = new URL("./migrations/", import.meta.url);
    const { db, close } = await testDatabase<Tables>({ migrations: [databaseMigrations, outboxMigrations, own] });
    onTestFinished(() => close());
    return createPaymentStore(db);
  },
  async "a simulation's memory"() {
    const tables = { payments: new Map(), steps: new Map(), entries: new Map(), events: new Map() };
    return createMemoryPaymentStore(createMemoryDatabase<PaymentTables>(tables), untroubledLife);
  },
};

const amount = { currency: "EUR", minor: 700n };
const AT = new Date("2026-01-01T00:00:00Z");
const LATER = new Date("2026-01-01T01:00:00Z");

const paymentOf = (orderId: string): Payment =>
  newPayment({ id: uuidv7(), orderId, userId: uuidv7(), amount, paymentMethod: "pm_ok", createdAt: AT });

const stepOf = (payment: Payment, facts: Partial<Step> = {}): Step => ({
  ...{
    id: uuidv7(),
    paymentId: payment.id,
    kind: "AUTHORIZE",
    requestId: uuidv7(),
    amount,
    state: "PENDING",
    attempts: 0,
  },
  ...facts,
});

const DECLINED = { paymentMethod: null, declineReason: "card_declined" };
const RESERVED = { paymentMethod: null, authorizationId: uuidv7() };

const times = { createdAt: AT, leaseExpiresAt: AT };
const hold = (step: Step) =>
  entryOf("HOLD", { id: uuidv7(), paymentId: step.paymentId, stepId: step.id, amount, createdAt: AT });

for (const [name, open] of Object.entries(STORES)) {
  describe(`payments in ${name}`, () => {
    async function withPayment() {
      const store = await open();
      const payment = paymentOf(uuidv7());
      const step = stepOf(payment);
      await store.atomically(async (tx) => {
        await tx.insert(payment);
        await tx.insertStep(step, times);
      });
      return { store, payment, step };
    }

    test("an order has one payment, and another where that was declined", async () => {
      const { store, payment } = await withPayment();
      const insert = () => store.atomically((tx) => tx.insert(paymentOf(payment.orderId)));
      expect(await insert()).toBe(false);
      await store.atomically((tx) => tx.transit(payment, "DECLINED", DECLINED, AT));
      expect(await insert()).toBe(true);
    });

    test("what fails in a transaction leaves nothing of it", async () => {
      const { store, payment } = await withPayment();
      const failing = store.atomically(async (tx) => {
        await tx.transit(payment, "DECLINED", DECLINED, AT);
        throw new Error("by design");
      });
      await expect(failing).rejects.toThrow("by design");
      expect(await store.find(payment.id)).toMatchObject({ state: "AUTHORIZING", version: 1n });
    });

    test("a payment goes no way that is not in the table of its states", async () => {
      const { store, payment } = await withPayment();
      await expect(store.atomically((tx) => tx.transit(payment, "CAPTURED", {}, AT))).rejects.toThrow(/did not go/);
      expect(await store.find(payment.id)).toMatchObject({ state: "AUTHORIZING", version: 1n });
    });

    test("versions count and times never run backwards", async () => {
      const { store, payment, step } = await withPayment();
      const authorized = await store.atomically(async (tx) => {
        await tx.post(hold(step));
        return tx.transit(payment, "AUTHORIZED", RESERVED, LATER);
      });
      expect(authorized).toMatchObject({ version: 2n, updatedAt: LATER });
      const voiding = await store.atomically((tx) => tx.transit(authorized, "VOIDING", {}, AT));
      expect(voiding).toMatchObject({ version: 3n, updatedAt: LATER });
      expect(await store.findByAuthorization(RESERVED.authorizationId)).toMatchObject({ id: payment.id });
    });

    test("a transaction ends only where the books tell what the payments tell", async () => {
      const { store, payment, step } = await withPayment();
      const captured = store.atomically(async (tx) => {
        await tx.post(hold(step)); // and no capture
        const authorized = await tx.transit(payment, "AUTHORIZED", RESERVED, AT);
        const capturing = await tx.transit(authorized, "CAPTURING", {}, AT);
        return tx.transit(capturing, "CAPTURED", { capturedMinor: amount.minor }, AT);
      });
      await expect(captured).rejects.toThrow();
      expect(await store.find(payment.id)).toMatchObject({ state: "AUTHORIZING" });
    });

    test("a movement of a step is posted once", async () => {
      const { store, payment, step } = await withPayment();
      const post = (times: number) =>
        store.atomically(async (tx) => {
          for (let i = 0; i < times; i++) await tx.post(hold(step));
          return tx.transit(payment, "AUTHORIZED", RESERVED, AT);
        });
      await expect(post(2)).rejects.toThrow();
      expect(await post(1)).toMatchObject({ state: "AUTHORIZED" });
    });

    test("a request has one step of a kind, and a step one answer", async () => {
      const { store, payment, step } = await withPayment();
      const again = stepOf(payment, { requestId: step.requestId });
      await expect(store.atomically((tx) => tx.insertStep(again, times))).rejects.toThrow();
      expect(await store.findStep("AUTHORIZE", step.requestId)).toMatchObject({ step: { id: step.id } });
      expect(await store.atomically((tx) => tx.settleStep(step.id, "DONE"))).toBe(true);
      expect(await store.atomically((tx) => tx.settleStep(step.id, "REFUSED"))).toBe(false);
      expect(await store.findAuthorizeStep(payment.id)).toMatchObject({ step: { state: "DONE" } });
    });

    test("a step whose lease ran out is leased to one, and counted", async () => {
      const { store, step } = await withPayment();
      const lease = () => store.leaseDueStep(LATER, () => new Date(LATER.getTime() + 1000));
      expect(await store.leaseDueStep(new Date(AT.getTime() - 1), () => LATER)).toBeUndefined();
      expect(await lease()).toMatchObject({ step: { id: step.id, attempts: 1 } });
      expect(await lease()).toBeUndefined();
    });

    test("25: a lease that was given by a clock far ahead is none to those whose clocks are right", async () => {
      const { store, step } = await withPayment();
      const leaseFrom = (at: Date) =>
        store.leaseDueStep(at, (attempts) => new Date(at.getTime() + 1000 * Math.min(attempts, 8)));
      const [ahead, behind] = [3_600_000, -3_600_000].map((ms) => new Date(LATER.getTime() + ms)) as [Date, Date];
      expect(await leaseFrom(ahead)).toMatchObject({ step: { id: step.id, attempts: 1 } });
      expect(await leaseFrom(LATER)).toMatchObject({ step: { id: step.id, attempts: 2 } });
      expect(await leaseFrom(LATER)).toBeUndefined();
      // Who is behind takes it too early, which costs a question to the processor and nothing else.
      expect(await leaseFrom(behind)).toMatchObject({ step: { id: step.id, attempts: 3 } });
    });
  });
}
