import { StatusError } from "@tenon/errors";
import { testDatabase } from "@tenon/testing";
import { v4 as uuid, v7 as uuidv7 } from "uuid";
import { afterAll, expect, test } from "vitest";
import { type CallFaults, createFaultPlan, type Faults, NO_FAULTS } from "./faults.ts";
import { createTransactionLog, type Tables } from "./processor-repository.ts";
import { createProcessorService } from "./processor-service.ts";
import { processorMigrations } from "./server.ts";

const database = await testDatabase<Tables>({ migrations: processorMigrations });
afterAll(() => database.close());
const log = createTransactionLog(database.db);
const never = new AbortController().signal;

const NONE: Faults = {
  seed: 1n,
  delayMs: 0,
  errorRate: 0,
  timeoutRate: 0,
  lateRate: 0,
  lateByMs: 0,
  duplicateCallbackRate: 0,
};

/** A processor with one fault, whose late works are done when the test says so. */
function faulty(faults: Partial<CallFaults>) {
  const waits: number[] = [];
  const late: (() => Promise<unknown>)[] = [];
  const service = createProcessorService({
    log,
    now: () => new Date(),
    newId: uuidv7,
    wait: async (ms) => waits.push(ms),
    faults: () => ({ ...NO_FAULTS, ...faults }),
    begin: (work) => late.push(() => work(never)) > 0,
  });
  const authorize = (reference: string = uuid()) =>
    service.authorize({ reference, amount: { currency: "USD", minor: 1000n }, paymentMethod: "pm_ok" }, never);
  const callbacks = async (reference: string) => {
    const about = database.db.selectFrom("callbacks").innerJoin("transactions", "transactions.id", "transaction_id");
    return (await about.select("callbacks.id").where("reference", "=", reference).execute()).length;
  };
  return { ...service, authorize, callbacks, waits, late };
}

const sequence = (faults: Partial<Faults>, length = 200) => {
  const plan = createFaultPlan();
  plan.set({ ...NONE, ...faults });
  return Array.from({ length }, plan.next);
};

test("the same seed chooses the same calls, another one others", () => {
  const rates = { errorRate: 0.3, timeoutRate: 0.2, lateRate: 0.1, duplicateCallbackRate: 0.5 };
  expect(sequence(rates)).toEqual(sequence(rates));
  expect(sequence({ ...rates, seed: 2n })).not.toEqual(sequence(rates));
});

test("one rate moves no decision of another", () => {
  const timeouts = (errorRate: number) => sequence({ errorRate, timeoutRate: 0.4 }).map(({ isSilent }) => isSilent);
  expect(timeouts(0.9)).toEqual(timeouts(0));
});

for (const [rate, least, most] of [
  [0, 0, 0],
  [0.25, 30, 70],
  [1, 200, 200],
] as const) {
  test(`a rate of ${rate} befalls ${least} to ${most} of 200 calls`, () => {
    const failed = sequence({ errorRate: rate }).filter(({ fails }) => fails).length;
    expect(failed).toBeGreaterThanOrEqual(least);
    expect(failed).toBeLessThanOrEqual(most);
  });
}

test("without faults all is well, also after there were some", () => {
  const plan = createFaultPlan();
  expect(plan.next()).toBe(NO_FAULTS);
  plan.set({ ...NONE, errorRate: 1 });
  expect(plan.next().fails).toBe(true);
  plan.set(undefined);
  expect(plan.next()).toBe(NO_FAULTS);
});

test("a call that fails does nothing, not even late", async () => {
  const processor = faulty({ fails: true, lateByMs: 5 });
  const reference = uuid();
  await expect(processor.authorize(reference)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(processor.late).toEqual([]);
  await expect(processor.getTransaction(reference)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a delayed call waits, each time", async () => {
  const processor = faulty({ delayMs: 7 });
  const reference = uuid();
  expect(await processor.authorize(reference)).toEqual(await processor.authorize(reference));
  expect(processor.waits).toEqual([7, 7]);
});

test("26: a timeout after commit leaves the transaction, and its repetition is answered", async () => {
  const processor = faulty({ isSilent: true });
  const reference = uuid();
  await expect(processor.authorize(reference)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  const { id: authorizationId } = await processor.authorize(reference);
  const capture = { reference: uuid(), authorizationId };
  await expect(processor.capture(capture, never)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(await processor.capture(capture, never)).toMatchObject({ kind: "CAPTURE", state: "APPROVED" });
});

test("27: a late success is nothing at first, and is done and called back later, though nobody waits", async () => {
  const processor = faulty({ lateByMs: 5000 });
  const reference = uuid();
  await expect(processor.authorize(reference)).rejects.toBeInstanceOf(StatusError);
  await expect(processor.getTransaction(reference)).rejects.toMatchObject({ code: "NOT_FOUND" });
  for (const work of processor.late) await work();
  expect(await processor.getTransaction(reference)).toMatchObject({ state: "APPROVED" });
  expect(await processor.callbacks(reference)).toBe(1);
  expect(processor.waits).toContain(5000);
  // What is done is answered at once.
  await processor.authorize(reference);
  expect(processor.late).toHaveLength(1);
});

test("24: what was done meanwhile is not done again by the late one", async () => {
  const late = faulty({ lateByMs: 5000 });
  const reference = uuid();
  await expect(late.authorize(reference)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  const first = await faulty({}).authorize(reference);
  for (const work of late.late) await work();
  expect(await late.getTransaction(reference)).toEqual(first);
  expect(await late.callbacks(reference)).toBe(0);
});

test("a duplicate callback comes twice, with an answer at once", async () => {
  const processor = faulty({ callbacks: 2 });
  const reference = uuid();
  expect(await processor.authorize(reference)).toMatchObject({ state: "APPROVED" });
  await processor.authorize(reference);
  expect(await processor.callbacks(reference)).toBe(2);
});
