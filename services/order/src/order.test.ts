import fc from "fast-check";
import { expect, test } from "vitest";
import type { Product } from "./catalog/product.ts";
import { assertEachProductOnce, priceLines } from "./order.ts";

const at = new Date(0);
const product = (id: string, fields: Partial<Product> = {}): Product => ({
  id,
  sku: `SKU-${id}`,
  name: `Product ${id}`,
  price: { currency: "EUR", minor: 10n },
  state: "ACTIVE",
  version: 1n,
  createdAt: at,
  updatedAt: at,
  ...fields,
});

const MAX = 2n ** 63n - 1n;

test("14: the total is the exact sum of quantity times price, line by line", () => {
  const line = fc.record({ quantity: fc.integer({ min: 1, max: 10_000 }), minor: fc.bigInt(1n, 10n ** 13n) });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 100 }), (drawn) => {
      const products = drawn.map(({ minor }, index) => product(`${index}`, { price: { currency: "EUR", minor } }));
      const { items, total } = priceLines(
        drawn.map(({ quantity }, index) => ({ productId: `${index}`, quantity })),
        products,
      );
      let expected = 0n;
      for (const { quantity, minor } of drawn) expected += minor * BigInt(quantity);
      expect(total).toEqual({ currency: "EUR", minor: expected });
      expect(items.map((item) => item.amount.minor)).toEqual(drawn.map((each) => each.minor * BigInt(each.quantity)));
    }),
  );
});

test("14: three times 0.10 are 0.30", () => {
  expect(priceLines([{ productId: "a", quantity: 3 }], [product("a")]).total).toEqual({ currency: "EUR", minor: 30n });
});

test("a line shows the product as it is when the order is placed", () => {
  const { items } = priceLines([{ productId: "a", quantity: 2 }], [product("b"), product("a", { name: "Saw" })]);
  const [unitPrice, amount] = [10n, 20n].map((minor) => ({ currency: "EUR", minor }));
  expect(items).toEqual([{ productId: "a", sku: "SKU-a", name: "Saw", quantity: 2, unitPrice, amount }]);
});

test("the largest total is what an int64 holds", () => {
  const lines = ["a", "b"].map((productId) => ({ productId, quantity: 1 }));
  const priced = (minor: bigint) => [
    product("a", { price: { currency: "EUR", minor } }),
    product("b", { price: { currency: "EUR", minor: 1n } }),
  ];
  expect(priceLines(lines, priced(MAX - 1n)).total.minor).toBe(MAX);
  expect(() => priceLines(lines, priced(MAX))).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", reason: "TOTAL_TOO_LARGE" }),
  );
});

for (const [what, products, error] of [
  ["a product that does not exist", [product("a")], { code: "NOT_FOUND", reason: "PRODUCT_NOT_FOUND" }],
  [
    "a product that is not sold any more",
    [product("a"), product("b", { state: "DISCONTINUED" })],
    { code: "FAILED_PRECONDITION", reason: "PRODUCT_NOT_ACTIVE" },
  ],
  [
    "prices in two currencies",
    [product("a"), product("b", { price: { currency: "JPY", minor: 1n } })],
    {
      code: "INVALID_ARGUMENT",
      reason: "CURRENCY_MISMATCH",
      violations: [{ field: "items[1].product_id", description: "is not priced in EUR" }],
    },
  ],
] as const) {
  test(`${what} cannot be ordered`, () => {
    const lines = ["a", "b"].map((productId) => ({ productId, quantity: 1 }));
    expect(() => priceLines(lines, products)).toThrow(expect.objectContaining(error));
  });
}

test("each line that repeats a product is named", () => {
  const lines = ["a", "b", "a", "b"].map((productId) => ({ productId, quantity: 1 }));
  expect(() => assertEachProductOnce(lines.slice(0, 2))).not.toThrow();
  expect(() => assertEachProductOnce(lines)).toThrow(
    expect.objectContaining({
      code: "INVALID_ARGUMENT",
      violations: [2, 3].map((index) => ({
        field: `items[${index}].product_id`,
        description: "is in an earlier line already",
      })),
    }),
  );
});
