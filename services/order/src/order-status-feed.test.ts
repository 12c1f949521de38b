import { expect, test } from "vitest";
import { createOrderStatusFeed } from "./order-status-feed.ts";

function createFeed(limit?: number) {
  let tell: (orderId: string | undefined) => void = () => {};
  const feed = createOrderStatusFeed({
    onChange: (changed) => {
      tell = changed;
    },
    ...(limit !== undefined && { limit }),
  });
  return { feed, tell: (orderId: string | undefined) => tell(orderId) };
}

const signal = AbortSignal.timeout(10_000);

/** True where a promise has settled by what has happened so far. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise(setImmediate);
  return settled;
}

test("a change before anybody waits is not lost, and several are one", async () => {
  const { feed, tell } = createFeed();
  using subscription = feed.subscribe("a");
  tell("a");
  tell("a");
  await subscription.next(signal);
  expect(await hasSettled(subscription.next(signal))).toBe(false);
});

test("a change wakes whoever watches that order, and nobody else", async () => {
  const { feed, tell } = createFeed();
  using first = feed.subscribe("A");
  using second = feed.subscribe("a");
  using other = feed.subscribe("b");
  const [a1, a2, b] = [first.next(signal), second.next(signal), other.next(signal)];
  tell("a");
  await Promise.all([a1, a2]);
  expect(await hasSettled(b)).toBe(false);
});

test("where changes may have been missed, everybody looks", async () => {
  const { feed, tell } = createFeed();
  using first = feed.subscribe("a");
  using second = feed.subscribe("b");
  tell(undefined);
  await expect(Promise.all([first.next(signal), second.next(signal)])).resolves.toBeDefined();
});

test("waiting ends with the signal's reason, also where it aborted before", async () => {
  const { feed } = createFeed();
  using subscription = feed.subscribe("a");
  const call = new AbortController();
  const waiting = subscription.next(call.signal);
  call.abort(new Error("the caller left"));
  await expect(waiting).rejects.toThrow("the caller left");
  await expect(subscription.next(call.signal)).rejects.toThrow("the caller left");
});

test("no more than so many may watch, and who leaves makes room once", () => {
  const { feed } = createFeed(2);
  const first = feed.subscribe("a");
  using _second = feed.subscribe("a");
  expect(() => feed.subscribe("b")).toThrow(expect.objectContaining({ code: "RESOURCE_EXHAUSTED" }));
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using _third = feed.subscribe("b");
  expect(() => feed.subscribe("b")).toThrow(expect.objectContaining({ code: "RESOURCE_EXHAUSTED" }));
});
