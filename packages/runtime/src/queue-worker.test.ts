import { queryObjects } from "node:v8";
import { createLogger } from "@tenon/logger";
import { expect, test } from "vitest";
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
