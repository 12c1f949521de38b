import { expect, test } from "vitest";
import { isAllowed, licenceOf } from "./licence-terms.ts";

for (const [expression, allowed] of [
  ["MIT", true],
  ["GPL-3.0-only", false],
  ["MIT OR GPL-3.0-only", true],
  ["GPL-3.0-only OR MIT", true],
  ["MIT AND GPL-3.0-only", false],
  ["(MIT OR GPL-3.0-only) AND ISC", true],
  ["(MIT AND GPL-3.0-only) OR ISC", true],
  ["MIT AND (GPL-3.0-only OR AGPL-3.0-only)", false],
  ["MIT OR", false],
  ["MIT ISC", false],
  ["(MIT", false],
  ["MIT WITH something", false],
  ["SEE LICENSE IN LICENSE.md", false],
  ["", false],
  [undefined, false],
] as const) {
  test(`${expression} is ${allowed ? "" : "not "}allowed`, () => expect(isAllowed(expression)).toBe(allowed));
}

test("a licence is read however it is written", () => {
  const name = "a";
  expect(licenceOf({ name, license: "MIT" })).toBe("MIT");
  expect(licenceOf({ name, license: { type: "ISC" } })).toBe("ISC");
  expect(licenceOf({ name, licenses: [{ type: "MIT" }, { type: "Apache-2.0" }] })).toBe("MIT OR Apache-2.0");
  expect(licenceOf({ name, licenses: [{}] })).toBeUndefined();
  expect(licenceOf({ name })).toBeUndefined();
});
