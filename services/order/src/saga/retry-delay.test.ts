import { StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { retryDelay } from "./retry-delay.ts";

const error = new Error("down");

for (const [attempts, random, delayMs] of [
  [0, 0, 100],
  [0, 1, 50],
  [3, 0, 800],
  [7, 0, 12_800],
  [8, 0, 15_000],
  [1_000_000, 1, 7500],
] as const) {
  test(`after ${attempts} failed attempts, with ${random} drawn, ${delayMs} ms`, () => {
    expect(retryDelay(attempts, { error, random: () => random })).toBe(delayMs);
  });
}

test("a service that asks for more time gets it, within reason", () => {
  const asks = (retryDelayMs: number) => new StatusError("ABORTED", "busy", { retryDelayMs, remote: true });
  expect(retryDelay(0, { error: asks(2000), random: () => 0 })).toBe(2000);
  expect(retryDelay(0, { error: asks(10), random: () => 0 })).toBe(100);
  expect(retryDelay(0, { error: asks(3_600_000), random: () => 0 })).toBe(15_000);
});

test("the longest delay can be another", () => {
  expect(retryDelay(9, { error, random: () => 0, longestMs: 5000 })).toBe(5000);
});
