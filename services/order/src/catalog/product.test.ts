import { expect, test } from "vitest";
import { assertProductFields, assertProductId } from "./product.ts";

const fields = { sku: "SAW-1", name: "Saw", price: { currency: "EUR", minor: 1n }, state: "ACTIVE" as const };

for (const [what, wrong, field] of [
  ["an empty SKU", { sku: "" }, "product.sku"],
  ["a SKU in small letters", { sku: "saw" }, "product.sku"],
  ["a SKU of 65 characters", { sku: "A".repeat(65) }, "product.sku"],
  ["a SKU with a line break behind", { sku: "SAW\n" }, "product.sku"],
  ["an empty name", { name: "" }, "product.name"],
  ["a name of blanks", { name: "  " }, "product.name"],
  ["a name of 201 characters", { name: "a".repeat(201) }, "product.name"],
  ["a name with NUL", { name: "a\0b" }, "product.name"],
  ["a name with half a character", { name: "a\ud800" }, "product.name"],
  ["a price of nothing", { price: { currency: "EUR", minor: 0n } }, "product.price"],
  ["a price below nothing", { price: { currency: "EUR", minor: -1n } }, "product.price"],
] as const) {
  test(`${what} is refused by its field`, () => {
    expect(() => assertProductFields({ ...fields, ...wrong })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", violations: [expect.objectContaining({ field })] }),
    );
  });
}

test("200 characters outside the basic plane are a name, and fields that are not given are not missed", () => {
  expect(() => assertProductFields({ ...fields, name: "🪚".repeat(200) })).not.toThrow();
  expect(() => assertProductFields({})).not.toThrow();
});

test("every violation is told at once", () => {
  expect(() => assertProductFields({ sku: "", name: "" })).toThrow(
    expect.objectContaining({ violations: [expect.anything(), expect.anything()] }),
  );
});

test("an id that is no UUID is refused before the database sees it", () => {
  expect(() => assertProductId("019b76da-a800-7000-8000-000000000001")).not.toThrow();
  for (const id of ["", "1", "019b76da-a800-7000-8000-000000000001\n", "{019b76da-a800-7000-8000-000000000001}"]) {
    expect(() => assertProductId(id)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  }
});
