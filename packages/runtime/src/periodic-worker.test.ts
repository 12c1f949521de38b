import { createLogger } from "@tenon/logger";
import { expect, test } from "vitest";
import { createPeriodicWorker } from "./periodic-worker.ts";

const logger = createLogger({ name: "test", level: "silent" });

test("rounds follow each other and never overlap, also after one that failed", async () => {
  let [rounds, atOnce] = [0, 0];
  const third = Promise.withResolvers<void>();
  const worker = createPeriodicWorker({
    name: "test",
    intervalMs: 1,
    logger,
    async work() {
      rounds += 1;
      atOnce += 1;
      expect(atOnce).toBe(1);
      await Promise.resolve();
      atOnce -= 1;
      if (rounds === 3) third.resolve();
      throw new Error("this round failed");
    },
  });
  worker.start();
  await third.promise;
  await worker.stop();
  expect(rounds).toBe(3);
});

test("stop tells the round that runs, waits for it, and none comes after it", async () => {
  const [begun, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let rounds = 0;
  let ended = false;
  const worker = createPeriodicWorker({
    name: "test",
    intervalMs: 1,
    logger,
    async work(stop) {
      rounds += 1;
      stop.addEventListener("abort", () => told.resolve());
      begun.resolve();
      await told.promise;
      ended = true;
    },
  });
  worker.start();
  await begun.promise;
  await worker.stop();
  expect({ rounds, ended }).toEqual({ rounds: 1, ended: true });
});

test("one that never started stops at once", async () => {
  const work = () => Promise.reject(new Error("not to be called"));
  await expect(createPeriodicWorker({ name: "test", intervalMs: 1, logger, work }).stop()).resolves.toBeUndefined();
});
