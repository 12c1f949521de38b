import { randomUUID } from "node:crypto";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { expect, test } from "vitest";
import { runScript } from "../payment-fixture.ts";
import { servePayment, usd } from "../payment-server-fixture.ts";

const options = { timeoutMs: 10_000 };
const { LedgerAccount, LedgerMovement } = paymentv1;
const ADMIN = { id: randomUUID(), role: "admin" } as const;

test("an entry on the wire has its movement, its two sides and its place in the chain", async () => {
  const { connectTo, captured } = await servePayment();
  const ledger = connectTo(paymentv1.LedgerService, ADMIN);
  const { id: paymentId } = await captured();
  const { entries } = await ledger.listEntries({ paymentId: paymentId.toUpperCase() }, options);
  expect(entries).toMatchObject([
    {
      paymentId,
      movement: LedgerMovement.CAPTURE,
      postings: [
        { account: LedgerAccount.MERCHANT_RECEIVABLE, amount: usd(10n) },
        { account: LedgerAccount.CUSTOMER_HOLDS, amount: usd(-10n) },
      ],
      position: 2n,
    },
    { paymentId, movement: LedgerMovement.HOLD, position: 1n },
  ]);
  expect(entries[0]?.hash).toHaveLength(32);
});

test("entries come in pages, of all payments or of one", async () => {
  const { connectTo, captured } = await servePayment();
  const ledger = connectTo(paymentv1.LedgerService, ADMIN);
  const { id: paymentId } = await captured();
  await captured();
  const first = await ledger.listEntries({ pageSize: 3 }, options);
  const last = await ledger.listEntries({ pageSize: 3, pageToken: first.nextPageToken }, options);
  expect([...first.entries, ...last.entries].map(({ position }) => position)).toEqual([4n, 3n, 2n, 1n]);
  expect(last.nextPageToken).toBe("");
  const stolen = ledger.listEntries({ paymentId, pageToken: first.nextPageToken }, options);
  await expect(stolen).rejects.toMatchObject({ code: "INVALID_ARGUMENT", reason: "PAGE_TOKEN_INVALID" });
  expect((await ledger.listEntries({ paymentId: randomUUID() }, options)).entries).toEqual([]);
});

test("32: the trial balance has every account, and zero for every currency", async () => {
  const { connectTo, captured, authorized, order } = await servePayment();
  const ledger = connectTo(paymentv1.LedgerService, ADMIN);
  expect(await ledger.getTrialBalance({}, options)).toMatchObject({ balances: [], totals: [] });
  const { id: paymentId } = await captured();
  await order.refundPayment({ requestId: randomUUID(), paymentId, amount: usd(4n) }, options);
  await authorized({ amount: { currencyCode: "JPY", units: 500n, nanos: 0 } });
  const { balances, totals } = await ledger.getTrialBalance({}, options);
  expect(totals.map(({ balance }) => balance)).toMatchObject([{ currencyCode: "JPY", units: 0n, nanos: 0 }, usd(0n)]);
  expect(totals[1]).toMatchObject({ debit: usd(28n), credit: usd(28n) });
  const inUsd = balances.filter(({ balance }) => balance?.currencyCode === "USD");
  expect(inUsd.map(({ account, balance }) => [account, balance?.units])).toEqual([
    [LedgerAccount.CUSTOMER_HOLDS, 0n],
    [LedgerAccount.MERCHANT_RECEIVABLE, 6n],
    [LedgerAccount.PROCESSOR_CLEARING, -6n],
    [LedgerAccount.REFUNDS, 0n],
  ]);
});

test("32: sums past what Money can hold are unset, and all else of the books is told, verified and compared", async () => {
  const { connectTo, authorized, captured, order } = await servePayment();
  const most = { currencyCode: "JPY", units: 2n ** 63n - 1n, nanos: 0 };
  const [first, second] = [await authorized({ amount: most }), await authorized({ amount: most })];
  const ledger = connectTo(paymentv1.LedgerService, ADMIN);
  for (const { id } of [first, second]) {
    await order.capturePayment({ requestId: randomUUID(), paymentId: id }, options);
  }
  await order.refundPayment({ requestId: randomUUID(), paymentId: first.id, amount: most }, options);
  await captured();
  const { balances, totals } = await ledger.getTrialBalance({}, options);
  const none = { ...most, units: 0n };
  const inYen = balances.filter(({ currency }) => currency === "JPY");
  expect(inYen.map(({ account, debit, credit, balance }) => [account, debit, credit, balance])).toMatchObject([
    [LedgerAccount.CUSTOMER_HOLDS, undefined, undefined, none],
    [LedgerAccount.MERCHANT_RECEIVABLE, undefined, most, most],
    [LedgerAccount.PROCESSOR_CLEARING, most, undefined, { ...most, units: -most.units }],
    [LedgerAccount.REFUNDS, most, most, none],
  ]);
  expect(totals.map(({ currency, debit, credit, balance }) => [currency, debit, credit, balance])).toMatchObject([
    ["JPY", undefined, undefined, none],
    ["USD", usd(20n), usd(20n), usd(0n)],
  ]);
  const verified = await Array.fromAsync(ledger.verifyLedger({}, options));
  expect(verified.map(({ currency, complete }) => [currency, complete])).toEqual([
    ["JPY", true],
    ["USD", true],
  ]);
  const reconciliation = connectTo(paymentv1.ReconciliationService, ADMIN);
  const compared = await Array.fromAsync(reconciliation.reconcile({}, options));
  expect(compared.at(-1)).toMatchObject({ openFindings: 0n, complete: true });
});

test("33: whoever verifies the books is told each currency, and its newest hash", async () => {
  const { connectTo, captured, authorized } = await servePayment();
  const ledger = connectTo(paymentv1.LedgerService, { service: "operator" });
  expect(await Array.fromAsync(ledger.verifyLedger({}, options))).toEqual([]);
  await captured();
  await authorized({ amount: { currencyCode: "JPY", units: 500n, nanos: 0 } });
  const [newest] = (await connectTo(paymentv1.LedgerService, ADMIN).listEntries({ pageSize: 1 }, options)).entries;
  expect(await Array.fromAsync(ledger.verifyLedger({}, options))).toMatchObject([
    { currency: "JPY", entries: 1n, hash: newest?.hash, complete: true },
    { currency: "USD", entries: 2n, complete: true },
  ]);
});

test("33: books that do not hold are DATA_LOSS, and the first entry that does not is named", async () => {
  const { db, connectTo, captured } = await servePayment();
  await captured();
  const rewrite = `grant update on ledger_postings to current_user; alter table ledger_postings disable trigger user;
    update ledger_postings set amount_minor = amount_minor / 2`;
  await runScript(db, rewrite);
  const verified = connectTo(paymentv1.LedgerService, ADMIN).verifyLedger({}, options);
  await expect(Array.fromAsync(verified)).rejects.toMatchObject({
    code: "DATA_LOSS",
    reason: "LEDGER_BROKEN",
    message: "USD 1 is not what it was when it was written",
  });
});

for (const [who, caller, code] of [
  ["nobody known", undefined, "UNAUTHENTICATED"],
  ["a user", { id: randomUUID() }, "PERMISSION_DENIED"],
  ["order", { service: "order" }, "PERMISSION_DENIED"],
] as const) {
  test(`56: the books are not shown to ${who}`, async () => {
    const { connectTo } = await servePayment();
    const ledger = connectTo(paymentv1.LedgerService, caller);
    await expect(ledger.listEntries({}, options)).rejects.toMatchObject({ code });
    await expect(ledger.getTrialBalance({}, options)).rejects.toMatchObject({ code });
    await expect(Array.fromAsync(ledger.verifyLedger({}, options))).rejects.toMatchObject({ code });
  });
}

for (const [what, request] of [
  ["a payment id that is none", { paymentId: "x" }],
  ["a negative page size", { pageSize: -1 }],
  ["a page token of nobody's", { pageToken: "x" }],
] as const) {
  test(`a list with ${what} is INVALID_ARGUMENT`, async () => {
    const { connectTo } = await servePayment();
    const listed = connectTo(paymentv1.LedgerService, ADMIN).listEntries(request, options);
    await expect(listed).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
}
