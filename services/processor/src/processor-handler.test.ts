import { randomUUID } from "node:crypto";
import * as processorv1 from "@tenon/contracts/processor/v1";
import { createLogger } from "@tenon/logger";
import { testDatabase, testServer } from "@tenon/testing";
import { afterAll, expect, test } from "vitest";
import type { Tables } from "./processor-repository.ts";
import { processorMigrations, wireProcessor } from "./server.ts";

const database = await testDatabase<Tables>({ migrations: processorMigrations });
const logger = createLogger({ name: "test", level: "silent" });
const parts = { db: database.db, secret: Buffer.alloc(32, 7), logger, notify: async () => {} };
const { services } = wireProcessor(parts);
const server = testServer({ name: "processor", services });
afterAll(async () => {
  await server.close();
  await database.close();
});

const payment = server.connect(processorv1.ProcessorService, { service: "payment" });
const options = { timeoutMs: 10_000 };
const usd = (units: bigint, nanos = 0) => ({ currencyCode: "USD", units, nanos });

async function authorize(paymentMethod = "pm_ok") {
  const request = { reference: randomUUID(), amount: usd(10n), paymentMethod };
  const { transaction } = await payment.authorize(request, options);
  if (transaction === undefined) throw new Error("there is no transaction in the response");
  return transaction;
}

test("money is reserved, taken and given back, and the statement says so", async () => {
  const { id: authorizationId, reference } = await authorize();
  await payment.capture({ reference: randomUUID(), authorizationId }, options);
  const refund = { reference: randomUUID(), authorizationId, amount: usd(2n, 500_000_000) };
  expect((await payment.refund(refund, options)).transaction).toMatchObject({
    kind: processorv1.TransactionKind.REFUND,
    state: processorv1.TransactionState.APPROVED,
    authorizationId,
    amount: usd(2n, 500_000_000),
  });
  expect((await payment.getTransaction({ reference }, options)).transaction?.id).toBe(authorizationId);
  const { transactions } = await payment.listTransactions({}, options);
  const kinds = transactions.filter((each) => [each.id, each.authorizationId].includes(authorizationId));
  const { AUTHORIZE, CAPTURE, REFUND } = processorv1.TransactionKind;
  expect(kinds.map(({ kind }) => kind)).toEqual([AUTHORIZE, CAPTURE, REFUND]);
});

test("a reference is the same in either case of letters", async () => {
  const { id, reference } = await authorize();
  const again = { reference: reference.toUpperCase(), amount: usd(10n), paymentMethod: "pm_ok" };
  expect((await payment.authorize(again, options)).transaction?.id).toBe(id);
});

test("pm_timeout_then_ok lets the first attempt run into its deadline and answers the second", async () => {
  const request = { reference: randomUUID(), amount: usd(10n), paymentMethod: "pm_timeout_then_ok" };
  await expect(payment.authorize(request, { timeoutMs: 1000 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  const { transaction } = await payment.authorize(request, options);
  expect(transaction?.state).toBe(processorv1.TransactionState.APPROVED);
});

test("the statement goes on where a page ended", async () => {
  for (let n = 0; n < 5; n++) await authorize();
  const whole = await payment.listTransactions({ pageSize: 500 }, options);
  const seen: string[] = [];
  for (let pageToken = ""; ; ) {
    const page = await payment.listTransactions({ pageSize: 2, pageToken }, options);
    seen.push(...page.transactions.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  expect(seen).toEqual(whole.transactions.map(({ id }) => id));
});

for (const [what, call, code, reason] of [
  [
    "a made-up page token",
    () => payment.listTransactions({ pageToken: "AAAA" }, options),
    "INVALID_ARGUMENT",
    "PAGE_TOKEN_INVALID",
  ],
  ["a negative page size", () => payment.listTransactions({ pageSize: -1 }, options), "INVALID_ARGUMENT", undefined],
  [
    "a reference that is no UUID",
    () => payment.getTransaction({ reference: "1" }, options),
    "INVALID_ARGUMENT",
    undefined,
  ],
  [
    "a reference that nobody used",
    () => payment.getTransaction({ reference: randomUUID() }, options),
    "NOT_FOUND",
    "TRANSACTION_NOT_FOUND",
  ],
  [
    "an amount with two signs",
    () => payment.authorize({ reference: randomUUID(), amount: usd(1n, -1), paymentMethod: "pm_ok" }, options),
    "INVALID_ARGUMENT",
    undefined,
  ],
] as const) {
  test(`${what} is ${code}`, async () => {
    await expect(call()).rejects.toMatchObject({ code, ...(reason && { reason }) });
  });
}

test("nobody but payment is let in", async () => {
  for (const [caller, code] of [
    [undefined, "UNAUTHENTICATED"],
    [{ id: randomUUID(), role: "admin" }, "PERMISSION_DENIED"],
    [{ service: "order" }, "PERMISSION_DENIED"],
  ] as const) {
    const client = server.connect(processorv1.ProcessorService, caller);
    await expect(client.listTransactions({}, options)).rejects.toMatchObject({ code });
  }
});
