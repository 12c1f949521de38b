import { describe, expect, test } from "vitest";
import { isDisplayName, isEmail, matchesEtag } from "./user.ts";

describe("an email", () => {
  for (const text of [
    "ada@example.com",
    "Ada.Lovelace+tag@mail.example.co.uk",
    "o'brien@example.com",
    "a@b",
    `${"a".repeat(64)}@example.com`,
    "admin@tenon.local",
  ]) {
    test(`may be ${text.slice(0, 40)}`, () => expect(isEmail(text)).toBe(true));
  }

  for (const text of [
    "",
    "ada",
    "@example.com",
    "ada@",
    "ada@@example.com",
    "ada lovelace@example.com",
    "ada@example..com",
    "ada@-example.com",
    "ada@example.com.",
    "ada@exa_mple.com",
    "ada\u0000@example.com",
    "ada@example.com\n",
    "ädä@example.com",
    "\u212a@example.com", // the Kelvin sign, whose lower case is a k
    `${"a".repeat(65)}@example.com`,
    `a@${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(63)}.${"e".repeat(63)}`,
  ]) {
    test(`may not be ${JSON.stringify(text).slice(0, 40)}`, () => expect(isEmail(text)).toBe(false));
  }
});

describe("a display name", () => {
  for (const [text, may] of [
    ["Ada", true],
    ["Ада Лавлейс", true],
    ["👩‍💻".repeat(20), true],
    ["𝒜".repeat(100), true],
    ["𝒜".repeat(101), false],
    ["", false],
    ["   ", false],
    ["Ada\u0000", false],
    ["Ada\nLovelace", false],
  ] as const) {
    test(`${may ? "may" : "may not"} be ${JSON.stringify(text).slice(0, 30)}`, () =>
      expect(isDisplayName(text)).toBe(may));
  }
});

for (const [etag, matches] of [
  ["", true],
  ["*", true],
  ["7", true],
  ["07", false],
  ["8", false],
  ["seven", false],
] as const) {
  test(`etag "${etag}" ${matches ? "fits" : "does not fit"} version 7`, () =>
    expect(matchesEtag({ version: 7n }, etag)).toBe(matches));
}
