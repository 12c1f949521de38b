import * as orderv1 from "@tenon/contracts/order/v1";
import { v4 as uuidv4, v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveOrders } from "../order-server-fixture.ts";
import { insertDemoCatalog } from "./demo-catalog.ts";

let wire: Awaited<ReturnType<typeof serveOrders>>;
let replica: ReturnType<typeof wire.createReplica>;
let catalog: typeof replica.catalog;
beforeAll(async () => {
  wire = await serveOrders();
  replica = wire.createReplica();
  catalog = replica.catalog;
});
afterAll(async () => {
  await replica.close();
  await wire.close();
});

const anybody = { timeoutMs: 10_000 };
const { ACTIVE, DISCONTINUED } = orderv1.ProductState;
const price = { currencyCode: "EUR", units: 5n, nanos: 250_000_000 };
let skus = 0;
const newSku = () => `TEST-${++skus}`;

async function make(fields: object = {}): Promise<orderv1.Product> {
  const product = { sku: newSku(), name: "Rasp", price, ...fields };
  const made = await catalog.createProduct({ requestId: uuidv4(), product }, wire.admin);
  if (made.product === undefined) throw new Error("an answer without a product");
  return made.product;
}

const update = (product: object, paths: string[], as = wire.admin) =>
  catalog.updateProduct({ requestId: uuidv4(), product, updateMask: { paths } }, as);

test("a product is made ACTIVE, and anybody can see it", async () => {
  const product = await make();
  expect(product).toMatchObject({ name: "Rasp", price, state: ACTIVE, etag: "1" });
  expect((await catalog.getProduct({ productId: product.id }, anybody)).product).toEqual(product);
});

test("an unknown product is NOT_FOUND", async () => {
  const unknown = { code: "NOT_FOUND", reason: "PRODUCT_NOT_FOUND" };
  await expect(catalog.getProduct({ productId: uuidv7() }, anybody)).rejects.toMatchObject(unknown);
  await expect(update({ id: uuidv7(), name: "Rasp" }, ["name"])).rejects.toMatchObject(unknown);
});

test("a SKU is given once, also to those who ask at the same time", async () => {
  const sku = newSku();
  const made = await Promise.allSettled(Array.from({ length: 8 }, () => make({ sku })));
  expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const each of made) {
    if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "ALREADY_EXISTS", reason: "SKU_TAKEN" });
  }
});

test("only admins change the catalogue", async () => {
  const product = { sku: newSku(), name: "Rasp", price };
  const creating = catalog.createProduct({ requestId: uuidv4(), product }, wire.me);
  await expect(creating).rejects.toMatchObject({ code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" });
  await expect(update({ id: uuidv7() }, ["name"], wire.me)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
});

for (const [what, fields, field] of [
  ["no SKU", { sku: "" }, "product.sku"],
  ["a SKU in small letters", { sku: "rasp" }, "product.sku"],
  ["no name", { name: "" }, "product.name"],
  ["a name with NUL", { name: "a\0b" }, "product.name"],
  ["no price", { price: undefined }, "product.price"],
  ["a price of nothing", { price: { currencyCode: "EUR" } }, "product.price"],
  ["a negative price", { price: { currencyCode: "EUR", units: -1n } }, "product.price"],
  ["a price in no currency (13)", { price: { currencyCode: "ZZZ", units: 1n } }, "product.price"],
  ["a price of half a cent (13)", { price: { currencyCode: "EUR", nanos: 5_000_000 } }, "product.price"],
  ["a price beyond int64 (13)", { price: { currencyCode: "EUR", units: 2n ** 63n - 1n } }, "product.price"],
  ["an unknown state", { state: 99 }, "product.state"],
] as const) {
  test(`a product with ${what} is refused by its field`, async () => {
    await expect(make(fields)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      violations: [expect.objectContaining({ field })],
    });
  });
}

describe("an update", () => {
  test("takes the fields that the mask names, and no other", async () => {
    const made = await make();
    const dearer = { currencyCode: "EUR", units: 6n, nanos: 0 };
    const { product } = await update({ id: made.id, name: "", price: dearer }, ["price"]);
    expect(product).toMatchObject({ ...made, price: dearer, etag: "2", updateTime: expect.anything() });
    expect((await update({ id: made.id, state: DISCONTINUED }, ["state"])).product?.state).toBe(DISCONTINUED);
    const all = { name: "File", price, state: ACTIVE };
    expect((await update({ id: made.id, ...all }, ["*"])).product).toMatchObject({ ...all, etag: "4" });
  });

  for (const [what, paths, product, field] of [
    ["an empty mask", [], {}, "update_mask"],
    ["an unknown field", ["sku"], {}, "update_mask"],
    ["a state that is not said", ["state"], {}, "product.state"],
    ["an empty name", ["name"], {}, "product.name"],
    ["an id that is no UUID", ["name"], { id: "1", name: "Rasp" }, "product.id"],
  ] as const) {
    test(`with ${what} is refused by its field`, async () => {
      const { id } = await make();
      await expect(update({ id, ...product }, [...paths])).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        violations: [expect.objectContaining({ field })],
      });
    });
  }

  test("43: of another state of the product than the one that was read is refused", async () => {
    const { id, etag } = await make();
    await update({ id, name: "File", etag }, ["name"]);
    for (const stale of [etag, "1.0", "x", "' or 1=1"]) {
      await expect(update({ id, name: "Saw", etag: stale }, ["name"])).rejects.toMatchObject({
        code: "ABORTED",
        reason: "ETAG_MISMATCH",
      });
    }
    expect((await update({ id, name: "Saw", etag: "*" }, ["name"])).product).toMatchObject({ name: "Saw", etag: "3" });
  });

  test("43: of ten with one etag, one is made", async () => {
    const { id, etag } = await make();
    const updates = Array.from({ length: 10 }, (_, n) => update({ id, name: `Name ${n}`, etag }, ["name"]));
    const made = (await Promise.allSettled(updates)).filter(({ status }) => status === "fulfilled");
    expect(made).toHaveLength(1);
    expect((await catalog.getProduct({ productId: id }, anybody)).product?.etag).toBe("2");
  });

  test("that is repeated is made once", async () => {
    const { id } = await make();
    const request = { requestId: uuidv4(), product: { id, name: "File" }, updateMask: { paths: ["name"] } };
    const first = await catalog.updateProduct(request, wire.admin);
    expect(await catalog.updateProduct(request, wire.admin)).toEqual(first);
  });

  test("leaves placed orders at their prices, and later ones at the new", async () => {
    const { id: productId } = await make();
    const place = async () => {
      const request = { requestId: uuidv4(), items: [{ productId, quantity: 3 }], paymentMethod: "pm_ok" };
      return (await replica.orders.createOrder(request, wire.me)).order;
    };
    const before = await place();
    await update({ id: productId, price: { currencyCode: "EUR", units: 9n } }, ["price"]);
    expect((await place())?.total).toMatchObject({ units: 27n, nanos: 0 });
    const read = await replica.orders.getOrder({ orderId: before?.id ?? "" }, wire.me);
    expect(read.order?.total).toMatchObject({ units: 15n, nanos: 750_000_000 });
    await update({ id: productId, state: DISCONTINUED }, ["state"]);
    await expect(place()).rejects.toMatchObject({ code: "FAILED_PRECONDITION", reason: "PRODUCT_NOT_ACTIVE" });
  });
});

test("45: the list is in pages, by state, the newest first, and loses nothing to products that come meanwhile", async () => {
  const made = [];
  for (let n = 0; n < 4; n++) made.unshift((await make()).id);
  const first = await catalog.listProducts({ pageSize: 2 }, anybody);
  expect(first.products.map(({ id }) => id)).toEqual(made.slice(0, 2));
  const { id } = await make({ state: DISCONTINUED });
  const second = await catalog.listProducts({ pageSize: 2, pageToken: first.nextPageToken }, anybody);
  expect(second.products.map((product) => product.id)).toEqual(made.slice(2));
  const discontinued = await catalog.listProducts({ state: DISCONTINUED }, anybody);
  expect(discontinued.products.map((product) => product.id)).toContain(id);
  const other = catalog.listProducts({ state: ACTIVE, pageToken: first.nextPageToken }, anybody);
  await expect(other).rejects.toMatchObject({ code: "INVALID_ARGUMENT", reason: "PAGE_TOKEN_INVALID" });
});

test("the demo's dozen is inserted once, and left as it is changed", async () => {
  await insertDemoCatalog(wire.products);
  const [demo] = (await catalog.listProducts({ pageSize: 500 }, anybody)).products.filter(
    ({ sku }) => sku === "CHISEL-12",
  );
  await update({ id: demo?.id ?? "", name: "Chisel" }, ["name"]);
  await insertDemoCatalog(wire.products);
  const { products } = await catalog.listProducts({ pageSize: 500 }, anybody);
  const demos = products.filter(({ id }) => id.startsWith("019b76da-a800-7000-8000-"));
  expect(demos).toHaveLength(12);
  expect(demos[0]).toMatchObject({ sku: "CHISEL-12", name: "Chisel" });
});
