import { expect, test } from "vitest";
import { createWorkQueue } from "./work-queue.ts";

/** Work that ends when it is told to. */
function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = false;
  const run = async () => {
    begun = true;
    await promise;
  };
  return { run, end: resolve, begun: () => begun };
}

test("as many run as may, the others in the order of asking", async () => {
  const queue = createWorkQueue({ concurrency: 2 });
  const works = [work(), work(), work(), work()] as const;
  const runs = works.map(({ run }) => queue.run(run));
  expect(works.map(({ begun }) => begun())).toEqual([true, true, false, false]);
  works[1].end();
  await runs[1];
  await Promise.resolve();
  expect(works.map(({ begun }) => begun())).toEqual([true, true, true, false]);
  for (const { end } of works) end();
  await Promise.all(runs);
});

test("who finds the queue full is refused at once, and may try again", async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 1, retryDelayMs: 250 });
  const [one, two] = [work(), work()];
  const runs = [queue.run(one.run), queue.run(two.run)];
  await expect(queue.run(async () => {})).rejects.toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    reason: "OVERLOADED",
    retryDelayMs: 250,
  });
  one.end();
  two.end();
  await Promise.all(runs);
  await queue.run(async () => {});
});

test("waiting ends with the caller, and its place is free for another", async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 1 });
  const [one, gone, next] = [work(), work(), work()];
  const running = queue.run(one.run);
  const leaving = new AbortController();
  const waiting = queue.run(gone.run, leaving.signal);
  leaving.abort(new Error("left"));
  await expect(waiting).rejects.toThrow("left");
  const after = queue.run(next.run);
  one.end();
  next.end();
  await Promise.all([running, after]);
  expect(gone.begun()).toBe(false);
});

test("who has left already gets no place", async () => {
  const queue = createWorkQueue({ concurrency: 1 });
  await expect(queue.run(async () => {}, AbortSignal.abort(new Error("left")))).rejects.toThrow("left");
});

test("work that fails gives its place back", async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 0 });
  const failing = async () => {
    throw new Error("broken");
  };
  await expect(queue.run(failing)).rejects.toThrow("broken");
  expect(await queue.run(async () => "done")).toBe("done");
});
