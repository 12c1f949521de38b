import { expect, test } from "vitest";
import { createManualClock } from "./manual-clock.ts";

test("stands still until it is told to go on", () => {
  const clock = createManualClock(new Date("2026-02-01T00:00:00Z"));
  expect(clock.now()).toEqual(new Date("2026-02-01T00:00:00Z"));
  clock.advance(1500);
  expect(clock.now()).toEqual(new Date("2026-02-01T00:00:01.500Z"));
});

test("wakes sleepers in the order of their time, and no one early", async () => {
  const clock = createManualClock();
  const woken: string[] = [];
  const sleep = (name: string, ms: number) => clock.sleep(ms).then(() => woken.push(name));
  const late = sleep("late", 30);
  const both = [sleep("second", 20), sleep("first", 10)];
  clock.advance(29);
  await Promise.all(both);
  expect(woken).toEqual(["first", "second"]);
  clock.advance(1);
  await late;
  expect(woken).toEqual(["first", "second", "late"]);
});

test("a sleep ends with its signal", async () => {
  const clock = createManualClock();
  const controller = new AbortController();
  const sleeping = clock.sleep(10, controller.signal);
  controller.abort(new Error("enough"));
  await expect(sleeping).rejects.toThrow("enough");
  await expect(clock.sleep(10, controller.signal)).rejects.toThrow("enough");
});
