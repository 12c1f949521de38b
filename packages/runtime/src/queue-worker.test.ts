import { queryObjects } from "node:v8";
import { createLogger } from "@tenon/logger";
import { expect, onTestFinished, test, vi } from "vitest";
import { createQueueWorker, type QueueWorkerOptions } from "./queue-worker.ts";

const logger = createLogger({ name: "test", level: "silent" });
const NEVER = new AbortController().signal;

/** A queue of names, and what is to be known of how they were handled. */
function queueOf(names: string[], handle: (name: string) => Promise<boolean> = async () => true) {
  const handled: string[] = [];
  const seen = { atOnce: 0, most: 0 };
  const options: QueueWorkerOptions<string> = {
    name: "test",
    intervalMs: 1,
    logger,
    take: async () => names.shift(),
    async handle(name) {
      seen.most = Math.max(seen.most, ++seen.atOnce);
      try {
        return await handle(name);
      } finally {
        seen.atOnce -= 1;
        handled.push(name);
      }
    },
  };
  return { names, handled, seen, options };
}

test("what is due is handled until nothing is, so many at once and no more", async () => {
  const names = Array.from({ length: 40 }, (_, n) => `item ${n}`);
  const { handled, seen, options } = queueOf([...names], async (name) => {
    await new Promise((resolve) => setImmediate(resolve));
    return name !== "item 7";
  });
  expect(await createQueueWorker({ ...options, concurrency: 4 }).drain(NEVER)).toBe(39);
  expect(handled.toSorted()).toEqual(names.toSorted());
  expect(seen.most).toBe(4);
});

test("a queue that is never empty leaves nothing behind of what was handled", async () => {
  const promises: number[] = [];
  let handled = 0;
  const worker = createQueueWorker<string>({
    ...queueOf([]).options,
    concurrency: 2,
    take: async () => (handled < 10_000 ? "next" : undefined),
    async handle() {
      handled += 1;
      if (handled === 100 || handled === 9000) promises.push(queryObjects(Promise, { format: "count" }));
      return true;
    },
  });
  await worker.drain(NEVER);
  const [early = 0, late = Number.POSITIVE_INFINITY] = promises;
  expect(late - early).toBeLessThan(1000);
});

test("an item that takes long holds none of those that come later", async () => {
  const slow = Promise.withResolvers<boolean>();
  const later = Promise.withResolvers<void>();
  const { names, handled, options } = queueOf(["slow"], (name) => {
    if (name === "slow") names.push("next");
    else if (name === "later") later.resolve();
    else setImmediate(() => names.push("later"));
    return name === "slow" ? slow.promise : Promise.resolve(true);
  });
  const worker = createQueueWorker({ ...options, concurrency: 2 });
  worker.start();
  await later.promise;
  slow.resolve(true);
  await worker.stop();
  expect(handled).toEqual(["next", "later", "slow"]);
});

test("stop takes nothing more and waits for what was taken", async () => {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
  const { names, handled, options } = queueOf(["one", "two"], () => {
    begun.resolve();
    return end.promise;
  });
  const worker = createQueueWorker({ ...options, concurrency: 1 });
  worker.start();
  await begun.promise;
  const stopped = worker.stop();
  expect(handled).toEqual([]);
  end.resolve(true);
  await stopped;
  expect(handled).toEqual(["one"]);
  expect(names).toEqual(["two"]);
});

test("an item that throws ends its lane only, and a queue that cannot be had is asked again", async () => {
  const { handled, options } = queueOf(["bad", "good"], async (name) => {
    if (name === "bad") throw new Error("no");
    return true;
  });
  let looks = 0;
  const again = Promise.withResolvers<void>();
  const worker = createQueueWorker({
    ...options,
    async take() {
      looks += 1;
      if (looks === 1) throw new Error("not now");
      if (looks > 6) again.resolve();
      return options.take();
    },
  });
  worker.start();
  await again.promise;
  await worker.stop();
  expect(handled.toSorted()).toEqual(["bad", "good"]);
});

/** A worker whose clock is the test's and whose queue cannot be had, and what it does then. */
function troubled(take: () => Promise<string | undefined>) {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const lines: { level: string; msg: string; failures?: number }[] = [];
  const seen = { looks: 0, atOnce: 0, most: 0 };
  const worker = createQueueWorker({
    ...queueOf([]).options,
    intervalMs: 500,
    random: () => 0,
    logger: createLogger({ name: "test", destination: { write: (line) => void lines.push(JSON.parse(line)) } }),
    async take() {
      seen.looks += 1;
      seen.most = Math.max(seen.most, ++seen.atOnce);
      return await take().finally(() => {
        seen.atOnce -= 1;
      });
    },
  });
  return { worker, lines, seen };
}

test("a look that hangs is the only one, however long it does", async () => {
  const hanging = Promise.withResolvers<undefined>();
  const { worker, lines, seen } = troubled(() => hanging.promise);
  worker.start();
  await vi.advanceTimersByTimeAsync(50_000);
  expect(seen).toEqual({ looks: 1, atOnce: 1, most: 1 });
  hanging.resolve(undefined);
  await vi.advanceTimersByTimeAsync(500);
  expect(seen.looks).toBe(2);
  await worker.stop();
  expect(lines).toEqual([]);
});

test("a queue that cannot be had is asked less and less often, and the log has its loss and its return", async () => {
  const down: { reason?: Error } = { reason: new Error("no connection") };
  const { worker, lines, seen } = troubled(async () => {
    if (down.reason) throw down.reason;
    return undefined;
  });
  worker.start();
  await vi.advanceTimersByTimeAsync(60_000);
  // At 0.5, 1, 1.5, 2, 3, 5 and 8.5 s, then each five seconds.
  expect(seen.looks).toBe(17);
  expect(lines).toMatchObject([{ level: "warn", msg: expect.stringContaining("cannot see what is due") }]);
  delete down.reason;
  await vi.advanceTimersByTimeAsync(5500);
  expect(lines.slice(1)).toMatchObject([{ level: "info", msg: expect.stringContaining("sees again"), failures: 17 }]);
  const looks = seen.looks;
  await vi.advanceTimersByTimeAsync(5000);
  expect(seen.looks - looks).toBe(10);
  await worker.stop();
  expect(lines).toHaveLength(2);
});

test("those that end at the same time do not look at the same time", async () => {
  const names = Array.from({ length: 40 }, (_, n) => `item ${n}`);
  const { options, handled } = queueOf(names, () => new Promise((resolve) => setImmediate(resolve, true)));
  let atOnce = 0;
  const worker = createQueueWorker({
    ...options,
    async take() {
      expect(++atOnce).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      return options.take();
    },
  });
  expect(await worker.drain(NEVER)).toBe(40);
  expect(handled).toHaveLength(40);
});
