import { expect, test } from "vitest";
import { exponentOf } from "./index.ts";

for (const [currency, exponent] of [
  ["USD", 2],
  ["ISK", 0],
  ["JPY", 0],
  ["TND", 3],
  ["UYW", 4],
  ["XXX", undefined],
  ["XTS", undefined],
  ["DEM", undefined],
  ["", undefined],
  ["USD ", undefined],
] as const) {
  test(`"${currency}" has ${exponent ?? "no"} decimals`, () => expect(exponentOf(currency)).toBe(exponent));
}
