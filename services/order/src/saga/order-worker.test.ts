import { StatusError } from "@tenon/errors";
import { createLogger } from "@tenon/logger";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createOrderWorld } from "../order-fixture.ts";
import { createOrderWorker, type OrderWorkerOptions } from "./order-worker.ts";

let world: Awaited<ReturnType<typeof createOrderWorld>>;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world.close());

const running = new Set<{ stop(): Promise<void> }>();
afterEach(async () => {
  await Promise.all([...running].map((worker) => worker.stop()));
  running.clear();
  world.payments.onMoment = () => {};
});

function startWorker(options: Partial<OrderWorkerOptions> = {}) {
  let due = () => {};
  const worker = createOrderWorker({
    queue: world.queue,
    saga: world.saga,
    onDue: (wake) => {
      due = wake;
      return () => {};
    },
    logger: createLogger({ name: "order", level: "silent" }),
    now: () => new Date(),
    random: () => 1,
    pollMs: 60_000,
    ...options,
  });
  worker.start();
  running.add(worker);
  return { worker, due: () => due() };
}

const isState = (id: string, state: string) =>
  expect.poll(async () => (await world.read(id)).state, { timeout: 10_000, interval: 10 }).toBe(state);

test("what is due at the start is driven to its end", async () => {
  const { id } = await world.place();
  startWorker();
  await isState(id, "CONFIRMED");
});

test("it is woken for what comes due", async () => {
  const { due } = startWorker();
  const { id } = await world.place();
  due();
  await isState(id, "CONFIRMED");
});

test("without being woken it looks now and then", async () => {
  startWorker({ pollMs: 20 });
  const { id } = await world.place();
  await isState(id, "CONFIRMED");
});

test("a step that fails is tried again until it does not", async () => {
  let failures = 3;
  world.payments.onMoment = ({ step, phase }) => {
    if (step === "capture" && phase === "after" && failures-- > 0) {
      throw new StatusError("UNAVAILABLE", "down", { remote: true });
    }
  };
  startWorker({ pollMs: 20 });
  const { id, total } = await world.place();
  await isState(id, "CONFIRMED");
  expect(world.payments.accounts.get(id)?.charges).toEqual([total.minor]);
});

test("a step that hangs is cut off, and tried again", async () => {
  const hanging = Promise.withResolvers<void>();
  let hung = false;
  const { saga } = world;
  startWorker({
    pollMs: 20,
    stepTimeoutMs: 50,
    saga: async (order, signal) => {
      if (hung) return saga(order, signal);
      hung = true;
      signal.addEventListener("abort", () => hanging.reject(signal.reason));
      await hanging.promise;
    },
  });
  const { id } = await world.place();
  await isState(id, "CONFIRMED");
});

test("a claim is renewed for as long as its step takes", async () => {
  const [inStep, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.payments.onMoment = async ({ step, phase }) => {
    if (step !== "authorize" || phase !== "before") return;
    inStep.resolve();
    await goOn.promise;
  };
  const { id } = await world.place();
  startWorker({ renewMs: 5 });
  await inStep.promise;
  for (let time = 0; time < 3; time++) {
    await world.passLeases();
    const held = world.db.selectFrom("orders").where("id", "=", id).where("lease_until", ">", sql<Date>`now()`);
    await expect.poll(() => held.select("id").execute()).toEqual([{ id }]);
  }
  goOn.resolve();
  await isState(id, "CONFIRMED");
});

test("no more orders are in work at once than it may have", async () => {
  for (let n = 0; n < 8; n++) await world.place();
  let [now, most] = [0, 0];
  const { saga } = world;
  const { worker } = startWorker({
    concurrency: 3,
    saga: async (order, signal) => {
      now += 1;
      most = Math.max(most, now);
      return saga(order, signal).finally(() => {
        now -= 1;
      });
    },
  });
  await expect
    .poll(() => world.db.selectFrom("orders").select("id").where("state", "=", "PENDING").execute(), {
      timeout: 10_000,
    })
    .toEqual([]);
  await worker.stop();
  expect(most).toBe(3);
});

test("stopping ends the step in work, gives the order back, and takes no other", async () => {
  const inStep = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  world.payments.onMoment = async ({ step, phase }) => {
    if (step !== "authorize" || phase !== "after") return;
    inStep.resolve();
    await goOn.promise;
  };
  const { id } = await world.place();
  const { worker, due } = startWorker();
  await inStep.promise;
  const stopped = worker.stop();
  const later = await world.place();
  due();
  goOn.resolve();
  await stopped;
  expect((await world.read(id)).state).toBe("AUTHORIZED");
  const claimed = await world.queue.claim(10);
  expect(claimed.map((order) => order.id)).toEqual([id, later.id]);
  for (const order of claimed) await world.queue.release(order);
  await world.work();
});

test("stopping cuts a step off that does not end, and does not count that as a failure", async () => {
  const inStep = Promise.withResolvers<void>();
  const { id } = await world.place();
  const { worker } = startWorker({
    stopGraceMs: 10,
    saga: (_order, signal) =>
      new Promise((_resolve, reject) => {
        inStep.resolve();
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  await inStep.promise;
  await worker.stop();
  expect(await world.queue.claim(10)).toMatchObject([{ id, attempts: 0 }]);
  await world.passLeases();
  await world.work();
});

test("a database that is down is asked again", async () => {
  let down = true;
  startWorker({
    pollMs: 20,
    queue: {
      ...world.queue,
      claim: async (limit) => {
        if (!down) return world.queue.claim(limit);
        down = false;
        throw new StatusError("UNAVAILABLE", "the database is unavailable");
      },
    },
  });
  const { id } = await world.place();
  await isState(id, "CONFIRMED");
});
