import { expect, test } from "vitest";
import { createPaging } from "./paging.ts";

const paging = createPaging({ secret: Buffer.from("a secret of sixteen bytes or more") });
const FILTER = { list: "orders", user: "ada", state: 1 };
const ID = "0197a000-0000-7000-8000-000000000001";
const token = paging.toToken({ items: [], lastId: ID }, FILTER);
const invalid = expect.objectContaining({ code: "INVALID_ARGUMENT", reason: "PAGE_TOKEN_INVALID" });

for (const [pageSize, size] of [
  [0, 50],
  [1, 1],
  [500, 500],
  [501, 500],
  [2 ** 31 - 1, 500],
] as const) {
  test(`45: page_size ${pageSize} is ${size}`, () => {
    expect(paging.toPage({ pageSize, pageToken: "" }, FILTER)).toEqual({ size });
  });
}

test("45: a negative page_size is INVALID_ARGUMENT", () => {
  expect(() => paging.toPage({ pageSize: -1, pageToken: "" }, FILTER)).toThrow(
    expect.objectContaining({
      code: "INVALID_ARGUMENT",
      violations: [expect.objectContaining({ field: "page_size" })],
    }),
  );
});

test("45: a token continues the list it came from, in whatever order its filter is written", () => {
  const filter = { state: 1, user: "ada", list: "orders" };
  expect(paging.toPage({ pageSize: 0, pageToken: token }, filter)).toEqual({ size: 50, beforeId: ID });
  expect(paging.toToken({ items: [] }, FILTER)).toBe("");
});

const tampered: [string, string][] = [
  ["cut short", token.slice(0, -1)],
  ["cut to its signature", token.slice(0, 21)],
  ["made longer", `${token}A`],
  ["with padding", `${token}=`],
  ["with a space", `${token.slice(0, 5)} ${token.slice(5)}`],
  ["with another first letter", `${token.startsWith("A") ? "B" : "A"}${token.slice(1)}`],
  ["with another last id", `${token.slice(0, -4)}AAAA`],
  ["one that we never made", "x"],
  ["other letters", "ſ€\u{1F600}"],
  ["long", "A".repeat(1024)],
];

for (const [what, pageToken] of tampered) {
  test(`45: a token ${what} is PAGE_TOKEN_INVALID`, () => {
    expect(() => paging.toPage({ pageSize: 0, pageToken }, FILTER)).toThrow(invalid);
  });
}

test("45: a token of another filter or another secret is PAGE_TOKEN_INVALID", () => {
  const request = { pageSize: 0, pageToken: token };
  expect(() => paging.toPage(request, { ...FILTER, user: "bob" })).toThrow(invalid);
  expect(() => paging.toPage(request, undefined)).toThrow(invalid);
  const other = createPaging({ secret: Buffer.from("another secret of that length....") });
  expect(() => other.toPage(request, FILTER)).toThrow(invalid);
});
