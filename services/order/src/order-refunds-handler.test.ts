import { toBinary } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import { v4 as uuidv4, v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveOrders } from "./order-server-fixture.ts";

let wire: Awaited<ReturnType<typeof serveOrders>>;
let replica: ReturnType<typeof wire.createReplica>;
beforeAll(async () => {
  wire = await serveOrders();
  replica = wire.createReplica();
});
afterAll(async () => {
  await replica.close();
  await wire.close();
});

const eur = (units: bigint, nanos = 0) => ({ currencyCode: "EUR", units, nanos });

async function confirmed(): Promise<string> {
  const items = [{ productId: wire.productId, quantity: 2 }];
  const { order } = await replica.orders.createOrder({ requestId: uuidv4(), items, paymentMethod: "pm_ok" }, wire.me);
  await wire.work();
  return order?.id ?? "";
}

const request = (orderId: string, fields: object = {}) => ({
  requestId: uuidv4(),
  orderId,
  amount: eur(10n),
  ...fields,
});

test("a refund is told at once, and its order tells when it is done", async () => {
  const orderId = await confirmed();
  const { order } = await replica.orders.refundOrder(request(orderId), wire.admin);
  expect(order).toMatchObject({ state: orderv1.OrderState.CONFIRMED, refunded: eur(0n), refunding: eur(10n) });
  await wire.work();
  const done = await replica.orders.getOrder({ orderId }, wire.me);
  expect(done.order).toMatchObject({ state: orderv1.OrderState.CONFIRMED, refunded: eur(10n), refunding: eur(0n) });
});

test("1: a repeated refund has the first one's answer, byte by byte, and gives back once", async () => {
  const orderId = await confirmed();
  const repeated = request(orderId);
  const answers = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    answers.push(toBinary(orderv1.RefundOrderResponseSchema, await replica.orders.refundOrder(repeated, wire.admin)));
    await wire.work();
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
  expect((await replica.orders.getOrder({ orderId }, wire.me)).order?.refunded).toMatchObject(eur(10n));
  const changed = replica.orders.refundOrder({ ...repeated, amount: eur(11n) }, wire.admin);
  await expect(changed).rejects.toMatchObject({ code: "ALREADY_EXISTS", reason: "REQUEST_ID_REUSED" });
});

for (const [what, fields, code, reason] of [
  [
    "in another currency (15)",
    { amount: { ...eur(1n), currencyCode: "USD" } },
    "INVALID_ARGUMENT",
    "CURRENCY_MISMATCH",
  ],
  ["of more than was paid", { amount: eur(40n) }, "FAILED_PRECONDITION", "AMOUNT_EXCEEDS_CAPTURED"],
  ["of nothing", { amount: eur(0n) }, "INVALID_ARGUMENT", undefined],
  ["of less than nothing", { amount: eur(-1n) }, "INVALID_ARGUMENT", undefined],
  ["of half a cent (13)", { amount: eur(1n, 5_000_000) }, "INVALID_ARGUMENT", undefined],
  ["whose signs differ (13)", { amount: eur(1n, -10_000_000) }, "INVALID_ARGUMENT", undefined],
  ["without an amount", { amount: undefined }, "INVALID_ARGUMENT", undefined],
  ["without a request id (10)", { requestId: "" }, "INVALID_ARGUMENT", undefined],
] as const) {
  test(`a refund ${what} is ${reason ?? code}`, async () => {
    const refused = replica.orders.refundOrder(request(await confirmed(), fields), wire.admin);
    await expect(refused).rejects.toMatchObject({ code, ...(reason && { reason }) });
  });
}

test("56: nobody but an admin refunds: not the owner, not a service", async () => {
  const orderId = await confirmed();
  for (const caller of [wire.me, wire.stranger, wire.service]) {
    await expect(replica.orders.refundOrder(request(orderId), caller)).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
    });
  }
  await expect(replica.orders.refundOrder(request(uuidv7()), wire.admin)).rejects.toMatchObject({
    code: "NOT_FOUND",
    reason: "ORDER_NOT_FOUND",
  });
});
