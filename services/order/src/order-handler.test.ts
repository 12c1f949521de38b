import { toBinary } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import type { Metadata } from "@tenon/grpc";
import { v4 as uuidv4, v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { serveOrders } from "./order-server-fixture.ts";

let wire: Awaited<ReturnType<typeof serveOrders>>;
let replica: ReturnType<typeof wire.createReplica>;
let orders: typeof replica.orders;
beforeAll(async () => {
  wire = await serveOrders();
  replica = wire.createReplica();
  orders = replica.orders;
});
afterAll(async () => {
  await replica.close();
  await wire.close();
});

const request = (fields: object = {}) => ({
  requestId: uuidv4(),
  items: [{ productId: wire.productId, quantity: 2 }],
  paymentMethod: "pm_ok",
  ...fields,
});

async function place(): Promise<orderv1.Order> {
  const { order } = await orders.createOrder(request(), wire.me);
  if (order === undefined) throw new Error("an answer without an order");
  return order;
}

test("an order is PENDING, at the catalogue's prices, and durable once it is answered", async () => {
  const order = await place();
  expect(order).toMatchObject({
    userId: wire.user.userId,
    items: [
      {
        productId: wire.productId,
        sku: "SAW-1",
        quantity: 2,
        unitPrice: { currencyCode: "EUR", units: 19n, nanos: 990_000_000 },
        amount: { currencyCode: "EUR", units: 39n, nanos: 980_000_000 },
      },
    ],
    total: { currencyCode: "EUR", units: 39n, nanos: 980_000_000 },
    refunded: { currencyCode: "EUR", units: 0n, nanos: 0 },
    state: orderv1.OrderState.PENDING,
    version: 1n,
    paymentId: "",
    etag: "1",
  });
  expect(order.failure).toBeUndefined();
  expect((await orders.getOrder({ orderId: order.id }, wire.me)).order).toEqual(order);
});

test("44: what one replica has answered every other one shows from then on", async () => {
  const other = wire.createReplica();
  onTestFinished(() => other.close());
  const [one, two] = [orders, other.orders];
  for (const [here, there] of [
    [one, two],
    [two, one],
  ] as const) {
    for (let round = 0; round < 10; round++) {
      const { order } = await here.createOrder(request(), wire.me);
      const orderId = order?.id ?? "";
      expect((await there.getOrder({ orderId }, wire.me)).order).toEqual(order);
      expect((await there.listOrders({ pageSize: 1 }, wire.me)).orders).toEqual([order]);
      const cancelled = await there.cancelOrder({ requestId: uuidv4(), orderId }, wire.me);
      expect(cancelled.order?.version).toBe(2n);
      expect((await here.getOrder({ orderId }, wire.me)).order).toEqual(cancelled.order);
    }
  }
});

describe("a repeated request", () => {
  test("1: has the first one's answer, byte by byte, and no second effect", async () => {
    const repeated = request();
    let replayed: unknown;
    const onTrailers = (trailers: Metadata) => {
      replayed = trailers.get("idempotent-replayed")[0];
    };
    const first = await orders.createOrder(repeated, { ...wire.me, onTrailers });
    expect(replayed).toBeUndefined();
    await wire.work();
    const second = await orders.createOrder(repeated, { ...wire.me, onTrailers });
    expect(replayed).toBe("true");
    const bytes = [first, second].map((answer) => toBinary(orderv1.CreateOrderResponseSchema, answer));
    expect(bytes[1]).toEqual(bytes[0]);
  });

  test("2: fifty times at once places one order", async () => {
    const repeated = request();
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => orders.createOrder(repeated, wire.me)));
    const ids = new Set(answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.order?.id] : [])));
    const refusals = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    expect(ids.size).toBe(1);
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS" });
  });

  test("3: of another content is refused", async () => {
    const repeated = request();
    await orders.createOrder(repeated, wire.me);
    const changed = orders.createOrder({ ...repeated, paymentMethod: "pm_slow" }, wire.me);
    await expect(changed).rejects.toMatchObject({ code: "ALREADY_EXISTS", reason: "REQUEST_ID_REUSED" });
  });

  test("5: of a request that was refused for its content serves the right one", async () => {
    const repeated = request();
    const wrong = orders.createOrder({ ...repeated, items: [] }, wire.me);
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect((await orders.createOrder(repeated, wire.me)).order?.version).toBe(1n);
  });

  test("4: of another user is another request", async () => {
    const repeated = request();
    const [mine, his] = [
      await orders.createOrder(repeated, wire.me),
      await orders.createOrder(repeated, wire.stranger),
    ];
    expect(mine.order?.id).not.toBe(his.order?.id);
  });
});

const bad: readonly (readonly [what: string, fields: object, field: string])[] = [
  ["no lines", { items: [] }, "items"],
  ["10: a request id that is no UUID", { requestId: "1" }, "request_id"],
  ["10: no request id", { requestId: "" }, "request_id"],
  ["10: a request id without end", { requestId: "1".repeat(100_000) }, "request_id"],
  ["a product id that is no UUID", { items: [{ productId: "1", quantity: 1 }] }, "items[0].product_id"],
  ["a quantity of 0", { items: [{ productId: uuidv7(), quantity: 0 }] }, "items[0].quantity"],
  ["a negative quantity", { items: [{ productId: uuidv7(), quantity: -1 }] }, "items[0].quantity"],
  ["a quantity of 10,001", { items: [{ productId: uuidv7(), quantity: 10_001 }] }, "items[0].quantity"],
  ["101 lines", { items: Array.from({ length: 101 }, () => ({ productId: uuidv7(), quantity: 1 })) }, "items"],
  ["a payment method of another form", { paymentMethod: "4242 4242 4242 4242" }, "payment_method"],
];
for (const [what, fields, field] of bad) {
  test(`${what} is refused by its field`, async () => {
    await expect(orders.createOrder(request(fields), wire.me)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      violations: [expect.objectContaining({ field })],
    });
  });
}

test("a product in two lines is refused, in whatever letters its id is written", async () => {
  const ids = [wire.productId, wire.productId.toUpperCase()];
  const twice = request({ items: ids.map((productId) => ({ productId, quantity: 1 })) });
  await expect(orders.createOrder(twice, wire.me)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    violations: [expect.objectContaining({ field: "items[1].product_id" })],
  });
  // It had no effect, so that the id serves for the corrected request.
  expect(await orders.createOrder({ ...twice, items: request().items }, wire.me)).toHaveProperty("order.version", 1n);
});

test("a product that does not exist is NOT_FOUND", async () => {
  const unknown = request({ items: [{ productId: uuidv7(), quantity: 1 }] });
  await expect(orders.createOrder(unknown, wire.me)).rejects.toMatchObject({
    code: "NOT_FOUND",
    reason: "PRODUCT_NOT_FOUND",
    domain: "order",
  });
});

describe("an order that is not the caller's", () => {
  const calls = {
    GetOrder: (orderId: string, as: typeof wire.me) => orders.getOrder({ orderId }, as),
    CancelOrder: (orderId: string, as: typeof wire.me) => orders.cancelOrder({ requestId: uuidv4(), orderId }, as),
    WatchOrder: async (orderId: string, as: typeof wire.me) => {
      for await (const _ of orders.watchOrder({ orderId }, as)) return;
    },
  };
  for (const [name, call] of Object.entries(calls)) {
    test(`${name} is PERMISSION_DENIED, whether the order exists or not`, async () => {
      const { id } = await place();
      const denied = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED", message: "this order is not yours" };
      await expect(call(id, wire.stranger)).rejects.toMatchObject(denied);
      await expect(call(uuidv7(), wire.stranger)).rejects.toMatchObject(denied);
    });

    test(`${name} is NOT_FOUND to an admin where it does not exist`, async () => {
      await expect(call(uuidv7(), wire.admin)).rejects.toMatchObject({ code: "NOT_FOUND", reason: "ORDER_NOT_FOUND" });
      await call((await place()).id, wire.admin);
    });

    test(`${name} is refused to who is nobody, and to services`, async () => {
      const nobody = { timeoutMs: 10_000 } as typeof wire.me;
      await expect(call(uuidv7(), nobody)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
      await expect(call(uuidv7(), wire.service)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    });
  }
});

describe("cancelling", () => {
  const cancel = (orderId: string) => orders.cancelOrder({ requestId: uuidv4(), orderId }, wire.me);

  test("is told at once and happens once, however often it is asked for", async () => {
    const { id } = await place();
    expect(await cancel(id)).toMatchObject({ order: { state: orderv1.OrderState.CANCELLING, version: 2n } });
    expect(await cancel(id)).toMatchObject({ order: { state: orderv1.OrderState.CANCELLING, version: 2n } });
    await wire.work();
    expect(await cancel(id)).toMatchObject({ order: { state: orderv1.OrderState.CANCELLED, version: 3n } });
  });

  test("of a confirmed order gives the money back", async () => {
    const { id, total } = await place();
    await wire.work();
    expect(await cancel(id)).toMatchObject({ order: { state: orderv1.OrderState.REFUNDING } });
    expect(await cancel(id)).toMatchObject({ order: { state: orderv1.OrderState.REFUNDING } });
    await wire.work();
    expect(await cancel(id)).toMatchObject({ order: { state: orderv1.OrderState.REFUNDED, refunded: total } });
  });

  test("of a failed order is refused", async () => {
    const { order } = await orders.createOrder(request({ paymentMethod: "pm_declined" }), wire.me);
    await wire.work();
    await expect(cancel(order?.id ?? "")).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "ORDER_NOT_CANCELLABLE",
    });
    expect((await orders.getOrder({ orderId: order?.id ?? "" }, wire.me)).order?.failure).toMatchObject({
      reason: "PAYMENT_DECLINED",
    });
  });
});

describe("listing", () => {
  async function pages(filter: object, as: typeof wire.me, pageSize: number): Promise<string[][]> {
    const found: string[][] = [];
    let pageToken = "";
    do {
      const page = await orders.listOrders({ ...filter, pageSize, pageToken }, as);
      found.push(page.orders.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }

  test("45: shows the caller's own, an admin everybody's, the newest first, each once", async () => {
    const mine: string[] = [];
    for (let n = 0; n < 5; n++) mine.unshift((await place()).id);
    const { order: his } = await orders.createOrder(request(), wire.stranger);
    const listed = await pages({}, wire.me, 2);
    expect(listed.flat().slice(0, 5)).toEqual(mine);
    expect(listed.flat()).toEqual([...new Set(listed.flat())]);
    expect(listed.flat()).not.toContain(his?.id);
    expect((await pages({}, wire.admin, 500)).flat()).toEqual(expect.arrayContaining([his?.id, ...mine]));
  });

  test("by state shows those of that state", async () => {
    const { id } = await place();
    await orders.cancelOrder({ requestId: uuidv4(), orderId: id }, wire.me);
    expect((await pages({ state: orderv1.OrderState.CANCELLING }, wire.me, 50)).flat()).toContain(id);
    expect((await pages({ state: orderv1.OrderState.PENDING }, wire.me, 50)).flat()).not.toContain(id);
  });

  test("45: a page token is of its list alone", async () => {
    await place();
    await place();
    const { nextPageToken: pageToken } = await orders.listOrders({ pageSize: 1 }, wire.me);
    const refused = { code: "INVALID_ARGUMENT", reason: "PAGE_TOKEN_INVALID" };
    const state = orderv1.OrderState.PENDING;
    await expect(orders.listOrders({ pageSize: 1, pageToken, state }, wire.me)).rejects.toMatchObject(refused);
    await expect(orders.listOrders({ pageSize: 1, pageToken }, wire.stranger)).rejects.toMatchObject(refused);
    await expect(orders.listOrders({ pageToken: `x${pageToken}` }, wire.me)).rejects.toMatchObject(refused);
    await expect(orders.listOrders({ pageToken: "?" }, wire.me)).rejects.toMatchObject(refused);
  });

  test("45: a negative page size is refused, a huge one is not", async () => {
    await expect(orders.listOrders({ pageSize: -1 }, wire.me)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await orders.listOrders({ pageSize: 2 ** 31 - 1 }, wire.me);
    await expect(orders.listOrders({ state: 99 as orderv1.OrderState }, wire.me)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
