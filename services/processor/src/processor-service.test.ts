import { StatusError } from "@tenon/errors";
import { testDatabase } from "@tenon/testing";
import { v4 as uuid, v7 as uuidv7 } from "uuid";
import { afterAll, expect, test } from "vitest";
import { createTransactionLog, type Tables } from "./processor-repository.ts";
import { createProcessorService } from "./processor-service.ts";
import { processorMigrations } from "./server.ts";

const database = await testDatabase<Tables>({ migrations: processorMigrations });
afterAll(() => database.close());
const log = createTransactionLog(database.db);

const never = new AbortController().signal;
const usd = (minor: bigint) => ({ currency: "USD", minor });

/** The rules on the real log, with a wait of the test's choice. */
function createProcessor(wait: (ms: number, signal: AbortSignal) => Promise<unknown> = async () => {}) {
  const service = createProcessorService({ log, now: () => new Date(), newId: uuidv7, wait });
  const authorize = (paymentMethod = "pm_ok", reference = uuid(), minor = 1000n) =>
    service.authorize({ reference, amount: usd(minor), paymentMethod }, never);
  type Request<Step extends "capture" | "void" | "refund"> = Parameters<(typeof service)[Step]>[0];
  return {
    ...service,
    authorizeUsd: authorize,
    capture: (request: Request<"capture">) => service.capture(request, never),
    void: (request: Request<"void">) => service.void(request, never),
    refund: (request: Request<"refund">) => service.refund(request, never),
  };
}

const processor = createProcessor();

async function captured(): Promise<string> {
  const { id } = await processor.authorizeUsd();
  await processor.capture({ reference: uuid(), authorizationId: id });
  return id;
}

const rejects = (promise: Promise<unknown>, code: string, reason?: string) =>
  expect(promise).rejects.toMatchObject({ code, ...(reason && { reason }) });

for (const [paymentMethod, state, declineReason] of [
  ["pm_ok", "APPROVED", ""],
  ["pm_duplicate", "APPROVED", ""],
  ["pm_slow", "APPROVED", ""],
  ["pm_declined", "DECLINED", "card_declined"],
  ["pm_insufficient_funds", "DECLINED", "insufficient_funds"],
  ["pm_of_nobody", "DECLINED", "invalid_payment_method"],
] as const) {
  test(`${paymentMethod} is ${state} ${declineReason}`, async () => {
    expect(await processor.authorizeUsd(paymentMethod)).toMatchObject({ kind: "AUTHORIZE", state, declineReason });
  });
}

test("pm_slow thinks for two seconds, and not again when asked again", async () => {
  const waits: number[] = [];
  const slow = createProcessor(async (ms) => waits.push(ms));
  const reference = uuid();
  const first = await slow.authorizeUsd("pm_slow", reference);
  expect(await slow.authorizeUsd("pm_slow", reference)).toEqual(first);
  expect(waits).toEqual([2000]);
});

test("an attempt that is given up while pm_slow thinks leaves nothing", async () => {
  const reference = uuid();
  const slow = createProcessor(async () => {
    throw new StatusError("CANCELLED", "gone");
  });
  await rejects(slow.authorizeUsd("pm_slow", reference), "CANCELLED");
  await rejects(slow.getTransaction(reference), "NOT_FOUND", "TRANSACTION_NOT_FOUND");
});

test("pm_timeout_then_ok commits, tells nobody, and tells the next attempt", async () => {
  const reference = uuid();
  await rejects(processor.authorizeUsd("pm_timeout_then_ok", reference), "DEADLINE_EXCEEDED");
  const committed = await processor.getTransaction(reference);
  expect(committed.state).toBe("APPROVED");
  expect(await processor.authorizeUsd("pm_timeout_then_ok", reference)).toEqual(committed);
});

test("1, 2: fifty attempts at once with one reference are one transaction", async () => {
  const reference = uuid();
  const answers = await Promise.all(Array.from({ length: 50 }, () => processor.authorizeUsd("pm_ok", reference)));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
});

test("3: a reference with other content is refused, whatever it was and is", async () => {
  const reference = uuid();
  const { id: authorizationId } = await processor.authorizeUsd("pm_ok", reference);
  const inEuros = { reference, amount: { currency: "EUR", minor: 1000n }, paymentMethod: "pm_ok" };
  for (const other of [
    () => processor.authorizeUsd("pm_ok", reference, 1001n),
    () => processor.authorizeUsd("pm_slow", reference),
    () => processor.authorize(inEuros, never),
    () => processor.capture({ reference, authorizationId }),
  ]) {
    await rejects(other(), "ALREADY_EXISTS", "REQUEST_ID_REUSED");
  }
  // Nothing of the refused capture stays.
  await processor.void({ reference: uuid(), authorizationId });
});

for (const [step, code, reason, again] of [
  ["a second capture", "FAILED_PRECONDITION", "TRANSACTION_STATE_CONFLICT", "capture"],
  ["a void of what was captured", "FAILED_PRECONDITION", "TRANSACTION_STATE_CONFLICT", "void"],
] as const) {
  test(`${step} is refused`, async () => {
    await rejects(processor[again]({ reference: uuid(), authorizationId: await captured() }), code, reason);
  });
}

test("a refund of what was not captured is refused", async () => {
  const { id: authorizationId } = await processor.authorizeUsd();
  const refund = processor.refund({ reference: uuid(), authorizationId, amount: usd(1n) });
  await rejects(refund, "FAILED_PRECONDITION", "TRANSACTION_STATE_CONFLICT");
});

test("what was declined, or never authorized, cannot be captured", async () => {
  const { id } = await processor.authorizeUsd("pm_declined");
  for (const authorizationId of [id, uuid()]) {
    await rejects(processor.capture({ reference: uuid(), authorizationId }), "NOT_FOUND", "TRANSACTION_NOT_FOUND");
  }
});

for (const [what, amount, code, reason] of [
  ["more than was taken", usd(1001n), "FAILED_PRECONDITION", "AMOUNT_EXCEEDS_CAPTURED"],
  ["the largest int64", usd(2n ** 63n - 1n), "FAILED_PRECONDITION", "AMOUNT_EXCEEDS_CAPTURED"],
  ["another currency", { currency: "EUR", minor: 1n }, "INVALID_ARGUMENT", "CURRENCY_MISMATCH"],
  ["nothing", usd(0n), "INVALID_ARGUMENT", undefined],
  ["less than nothing", usd(-1n), "INVALID_ARGUMENT", undefined],
] as const) {
  test(`a refund of ${what} is refused`, async () => {
    await rejects(processor.refund({ reference: uuid(), authorizationId: await captured(), amount }), code, reason);
  });
}

test("19: of fifty captures and fifty voids at once one wins", async () => {
  const { id: authorizationId } = await processor.authorizeUsd();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, (_, n) =>
      processor[n % 2 === 0 ? "capture" : "void"]({ reference: uuid(), authorizationId }),
    ),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("18: a hundred refunds at once give back what was taken and no more", async () => {
  const authorizationId = await captured();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, () => processor.refund({ reference: uuid(), authorizationId, amount: usd(30n) })),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(33);
  expect(await log.findAuthorization(authorizationId)).toMatchObject({ refundedMinor: 990n });
});

test("who reads the statement page by page while it grows misses nothing", async () => {
  const reading = {
    seen: [] as string[],
    after: (await log.list({ after: 0n, limit: 10_000 })).at(-1)?.position ?? 0n,
  };
  const read = async () => {
    const page = await log.list({ after: reading.after, limit: 7 });
    reading.seen.push(...page.map(({ transaction }) => transaction.id));
    reading.after = page.at(-1)?.position ?? reading.after;
    return page.length;
  };
  let isWriting = true;
  const writing = Promise.all(Array.from({ length: 100 }, () => processor.authorizeUsd())).finally(() => {
    isWriting = false;
  });
  while (isWriting) await read();
  while ((await read()) > 0);
  const written = (await writing).map(({ id }) => id);
  expect(reading.seen.toSorted()).toEqual(written.toSorted());
});
