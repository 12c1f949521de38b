import { testDatabase } from "@tenon/testing";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { StepKind } from "../payment.ts";
import { createPayments } from "../payment-fixture.ts";
import type { Tables } from "../payment-tables.ts";
import { paymentMigrations } from "../server.ts";
import type { Account, Movement } from "./ledger.ts";
import { createLedgerStore } from "./ledger-repository.ts";
import { createLedgerService } from "./ledger-service.ts";
import { verifyLedger } from "./verify-ledger.ts";

const database = await testDatabase<Tables>({ migrations: paymentMigrations });
afterAll(() => database.close());
const { db } = database;
const ledger = createLedgerService({ store: createLedgerStore(db) });

/** The movements of a payment, the oldest first, with what they moved. */
async function booked(paymentId: string): Promise<[Movement, bigint][]> {
  const { items } = await ledger.list({ size: 500 }, { paymentId });
  return items
    .map(({ movement, postings }) => [movement, postings[0]?.amountMinor ?? 0n] as [Movement, bigint])
    .reverse();
}

test("32: with captures, voids and refunds at once, every reader sees every currency at zero, at every moment", async () => {
  const payments = createPayments(db);
  const writing = Array.from({ length: 20 }, async (_, n) => {
    const { id } = await payments.authorize({ currency: n % 2 === 0 ? "USD" : "JPY" });
    if (n % 5 === 0) return payments.void(id);
    await Promise.allSettled([payments.capture(id), payments.capture(id)]);
    const currency = n % 2 === 0 ? "USD" : "JPY";
    return Promise.allSettled([1, 2, 3, 4].map((part) => payments.refund(id, BigInt(part) * 150n, { currency })));
  });
  let done = false;
  let looks = 0;
  const readers = Array.from({ length: 3 }, async () => {
    while (!done) {
      const { accounts, totals } = await ledger.trialBalance();
      for (const { debitMinor, creditMinor } of totals) expect(debitMinor).toBe(creditMinor);
      for (const { account, debitMinor, creditMinor } of accounts) {
        const sign = account === "PROCESSOR_CLEARING" ? -1n : 1n;
        expect(sign * (debitMinor - creditMinor)).toBeGreaterThanOrEqual(0n);
      }
      // All of it, entry by entry, in one snapshot.
      await Array.fromAsync(verifyLedger(db));
      looks += 1;
    }
  });
  await Promise.all(writing).finally(() => {
    done = true;
  });
  await Promise.all(readers);
  expect(looks).toBeGreaterThan(0);
});

const ACTIONS = {
  capture: (payments, id) => payments.capture(id),
  void: (payments, id) => payments.void(id),
  refundSome: (payments, id, currency) => payments.refund(id, 30n, { currency }),
  refundAll: (payments, id, currency) => payments.refund(id, 100n, { currency }),
  lose: async (payments, id) => {
    payments.processor.capture = async () => ({ approved: false, reason: "TRANSACTION_STATE_CONFLICT" });
    return payments.capture(id);
  },
} satisfies Record<
  string,
  (payments: ReturnType<typeof createPayments>, id: string, currency: string) => Promise<unknown>
>;

test("33: after whatever happened, folding all postings gives the balances, and the chain is whole", async () => {
  const actions = fc.array(fc.constantFrom(...(Object.keys(ACTIONS) as (keyof typeof ACTIONS)[])), { maxLength: 6 });
  const currencies = fc.constantFrom("USD", "JPY", "KWD");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(currencies, actions), { minLength: 1, maxLength: 4 }), async (walks) => {
      await Promise.all(
        walks.map(async ([currency, names]) => {
          const payments = createPayments(db);
          const { id } = await payments.authorize({ minor: 100n, currency });
          for (const name of names) await ACTIONS[name](payments, id, currency).catch(expectRefusal);
        }),
      );
      await Array.fromAsync(verifyLedger(db));
    }),
    { numRuns: 25 },
  );
});

const expectRefusal = (error: unknown) => expect(error).toMatchObject({ code: "FAILED_PRECONDITION" });

test("34: what was taken and given back is booked once, and the processor has the same under the same references", async () => {
  const payments = createPayments(db);
  const { id } = await payments.authorize();
  await Promise.allSettled(Array.from({ length: 10 }, () => payments.capture(id)));
  await Promise.allSettled(Array.from({ length: 10 }, () => payments.refund(id, 300n)));
  const { items } = await ledger.list({ size: 500 }, { paymentId: id });
  const moved = items.flatMap(({ movement, stepId, postings }) => {
    const kind = AT_PROCESSOR[movement];
    return kind ? [{ kind, reference: stepId, minor: postings[0]?.amountMinor }] : [];
  });
  const byReference = (a: { reference: string }, b: { reference: string }) => (a.reference < b.reference ? -1 : 1);
  expect(moved.toSorted(byReference)).toEqual(payments.processor.approved.toSorted(byReference));
  expect(moved.map(({ kind }) => kind).sort()).toEqual(["AUTHORIZE", "CAPTURE", "REFUND", "REFUND", "REFUND"]);
  expect(await payments.get(id)).toMatchObject({ capturedMinor: 1000n, refundedMinor: 900n });
});

const AT_PROCESSOR: Partial<Record<Movement, StepKind>> = {
  HOLD: "AUTHORIZE",
  CAPTURE: "CAPTURE",
  RELEASE: "VOID",
  REFUND: "REFUND",
};

test("35: a refund under way has its money set aside, so that another one cannot have it", async () => {
  const payments = createPayments(db);
  const { id } = await payments.captured();
  const before = await balanceOf("REFUNDS");
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  payments.processor.faults.before = async () => {
    asked.resolve();
    await answer.promise;
  };
  const refund = payments.refund(id, 700n);
  await asked.promise;
  expect((await balanceOf("REFUNDS")) - before).toBe(700n);
  await expect(payments.refund(id, 301n)).rejects.toMatchObject({ reason: "AMOUNT_EXCEEDS_CAPTURED" });
  answer.resolve();
  await refund;
  expect((await balanceOf("REFUNDS")) - before).toBe(0n);
});

test("35: what the processor refuses to give back is free to be refunded again", async () => {
  const payments = createPayments(db);
  const { id } = await payments.captured();
  const { refund } = payments.processor;
  payments.processor.refund = async () => ({ approved: false, reason: "TRANSACTION_STATE_CONFLICT" });
  await expect(payments.refund(id, 700n)).rejects.toMatchObject({ reason: "AMOUNT_EXCEEDS_CAPTURED" });
  payments.processor.refund = refund;
  await payments.refund(id, 1000n);
  expect(await booked(id)).toEqual([
    ["HOLD", 1000n],
    ["CAPTURE", 1000n],
    ["RESERVE_REFUND", 700n],
    ["CANCEL_REFUND", 700n],
    ["RESERVE_REFUND", 1000n],
    ["REFUND", 1000n],
  ]);
});

for (const [what, paymentMethod, movements] of [
  ["a void releases what was reserved", "pm_ok", ["HOLD", "RELEASE"]],
  ["a decline books nothing", "pm_declined", []],
] as const) {
  test(what, async () => {
    const payments = createPayments(db);
    const orderId = crypto.randomUUID();
    const authorized = await payments.authorize({ paymentMethod, orderId }).catch(() => undefined);
    if (authorized) await payments.void(authorized.id);
    const { items } = await payments.payments().list({ size: 1 }, { orderId });
    expect((await booked(items[0]?.id ?? "")).map(([movement]) => movement)).toEqual(movements);
  });
}

async function balanceOf(account: Account): Promise<bigint> {
  const { accounts } = await ledger.trialBalance();
  const found = accounts.find((each) => each.account === account && each.currency === "USD");
  return found ? found.debitMinor - found.creditMinor : 0n;
}
