import { StatusError } from "@tenon/errors";
import { createLogger } from "@tenon/logger";
import { createManualClock } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import type { ClaimedOrder, OrderQueue } from "./order-queue.ts";
import { createOrderWorker } from "./order-worker.ts";

const PLACED_PER_SECOND = 3;
const DOWN_MS = 120_000;
const ORDERS = (DOWN_MS / 1000) * PLACED_PER_SECOND;
/** For the attempts that find out, and a probe every few seconds. */
const BUDGET = 80;

test("29: payments that are down for two minutes are not stormed, and orders go on in order of age", async () => {
  const clock = createManualClock();
  const { queue, place, finished } = createQueue(clock);
  const upAt = clock.now().getTime() + DOWN_MS;
  let attempts = 0;
  let atOnce = 0;
  let mostAtOnce = 0;
  const worker = createOrderWorker({
    queue,
    now: clock.now,
    sleep: clock.sleep,
    onDue: () => () => {},
    random: () => 0.5,
    logger: createLogger({ name: "order", level: "silent" }),
    async saga({ id }) {
      attempts += 1;
      atOnce += 1;
      if (clock.now().getTime() > upAt - DOWN_MS / 2 && clock.now().getTime() < upAt)
        mostAtOnce = Math.max(mostAtOnce, atOnce);
      await new Promise(setImmediate);
      atOnce -= 1;
      if (clock.now().getTime() < upAt) throw new StatusError("UNAVAILABLE", "payments are down", { remote: true });
      finished.push(id);
      return undefined;
    },
  });
  worker.start();
  onTestFinished(() => worker.stop());

  for (let second = 0; second < DOWN_MS / 1000; second++) {
    for (let n = 0; n < PLACED_PER_SECOND; n++) place();
    await pass(clock, 1000);
  }
  expect(finished).toEqual([]);
  expect(mostAtOnce).toBe(1);
  expect(attempts).toBeLessThanOrEqual(BUDGET);
  await pass(clock, 20_000);
  expect(finished).toHaveLength(ORDERS);
  expect(attempts).toBeLessThanOrEqual(1.1 * ORDERS + BUDGET);
  // But for those that had been tried and wait for their time.
  const untried = finished.filter((id) => !queue.tried.has(id));
  expect(untried.length).toBeGreaterThan(ORDERS - BUDGET);
  expect(untried).toEqual(untried.toSorted());
});

/** Goes on in steps, between which everything that was woken comes to rest. */
async function pass(clock: ReturnType<typeof createManualClock>, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(50);
    for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
  }
}

/** Orders in memory that are due by the clock. */
function createQueue(clock: { now(): Date }) {
  const dueAtMs = new Map<string, number>();
  const attemptsOf = new Map<string, number>();
  const tried = new Set<string>();
  const finished: string[] = [];
  const unused = () => Promise.reject(new Error("not called in this test"));
  const queue: OrderQueue & { tried: ReadonlySet<string> } = {
    tried,
    async claim(limit) {
      const due = [...dueAtMs].filter(([, atMs]) => atMs <= clock.now().getTime()).map(([id]) => id);
      const claimed = due.sort().slice(0, limit);
      for (const id of claimed) dueAtMs.delete(id);
      return claimed.map((id) => ({ id, attempts: attemptsOf.get(id) ?? 0 }) as ClaimedOrder);
    },
    async postpone({ id, attempts }, delayMs) {
      tried.add(id);
      attemptsOf.set(id, attempts + 1);
      dueAtMs.set(id, clock.now().getTime() + delayMs);
    },
    renew: async () => {},
    release: async ({ id }) => void dueAtMs.set(id, clock.now().getTime()),
    reload: unused,
    markAsked: unused,
    change: unused,
    nextRefund: unused,
  };
  let placed = 0;
  const place = () => void dueAtMs.set(String(placed++).padStart(4, "0"), clock.now().getTime());
  return { queue, place, finished };
}
