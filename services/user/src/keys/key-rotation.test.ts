import { describe, expect, test } from "vitest";
import { planRotation } from "./key-rotation.ts";

const HOUR = 3_600_000;
const at = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * HOUR);
const key = (kid: string, hours: number) => ({ kid, signsFrom: at(hours) });
const every10Hours = { rotationMs: 10 * HOUR, keepMs: 1 * HOUR };

describe("a key set", () => {
  for (const [name, now, keys, add, drop] of [
    ["that is empty gets a key that signs and the next one", 0, [], [at(0), at(10)], []],
    ["with a next one is left alone", 5, [key("a", 0), key("b", 10)], [], []],
    ["whose next one has begun gets another", 10, [key("a", 0), key("b", 10)], [at(20)], []],
    ["keeps a key for as long as its tokens", 10.9, [key("a", 0), key("b", 10), key("c", 20)], [], []],
    ["loses a key whose tokens have run out", 11, [key("a", 0), key("b", 10), key("c", 20)], [], ["a"]],
    ["that nobody asked for long publishes the next one before it signs", 99, [key("a", 0)], [at(99 + 1 / 12)], []],
    [
      "asked late drops all but the one that signs",
      99,
      [key("a", 0), key("b", 10), key("c", 20)],
      [at(99 + 1 / 12)],
      ["a", "b"],
    ],
  ] as const) {
    test(name, () => {
      expect(planRotation(keys, { now: at(now), ...every10Hours })).toEqual({ add, drop });
    });
  }
});

test("a rotation shorter than the usual lead publishes one rotation ahead", () => {
  const plan = planRotation([key("a", 0)], { now: at(1), rotationMs: 1000, keepMs: 0 });
  expect(plan.add).toEqual([new Date(at(1).getTime() + 1000)]);
});
