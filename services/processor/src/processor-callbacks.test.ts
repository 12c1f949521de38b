import { randomUUID } from "node:crypto";
import * as processorv1 from "@tenon/contracts/processor/v1";
import { createLogger } from "@tenon/logger";
import { createManualClock, testDatabase, testServer } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import type { Tables } from "./processor-repository.ts";
import { processorMigrations, wireProcessor } from "./server.ts";
import type { Transaction } from "./transaction.ts";

const options = { timeoutMs: 10_000 };
const NEVER = new AbortController().signal;

/** A processor that calls back into the test. */
async function serve({ allowFaults = false } = {}) {
  const { db, close } = await testDatabase<Tables>({ migrations: processorMigrations });
  onTestFinished(close);
  const clock = createManualClock(new Date());
  const told: Transaction[] = [];
  const hearing = { answer: async () => {} };
  const wired = wireProcessor({
    db,
    secret: Buffer.alloc(32, 7),
    logger: createLogger({ name: "test", level: "silent" }),
    notify: async (transaction) => {
      told.push(transaction);
      await hearing.answer();
    },
    allowFaults,
    now: clock.now,
  });
  const server = testServer({ name: "processor", services: wired.services });
  onTestFinished(() => server.close());
  const payment = server.connect(processorv1.ProcessorService, { service: "payment" });
  return {
    server,
    clock,
    told,
    hearing,
    send: () => wired.sendCallbacks(NEVER),
    waiting: async () => (await db.selectFrom("callbacks").selectAll().execute()).length,
    async authorize(paymentMethod: string) {
      const amount = { currencyCode: "USD", units: 10n, nanos: 0 };
      const { transaction } = await payment.authorize({ reference: randomUUID(), amount, paymentMethod }, options);
      return transaction?.reference;
    },
  };
}

const refuse = async () => {
  throw new Error("not now");
};

test("pm_duplicate is told twice by callback, as it stands in the log, and nothing else is told", async () => {
  const { authorize, send, told, waiting } = await serve();
  await authorize("pm_ok");
  await authorize("pm_declined");
  const reference = await authorize("pm_duplicate");
  expect(await send()).toBe(2);
  expect(told).toMatchObject([
    { reference, kind: "AUTHORIZE", state: "APPROVED" },
    { reference, kind: "AUTHORIZE", state: "APPROVED" },
  ]);
  expect(await waiting()).toBe(0);
  expect(await send()).toBe(0);
});

test("a callback that is not acknowledged comes again, less and less often, until it is", async () => {
  const { authorize, send, told, waiting, hearing, clock } = await serve();
  await authorize("pm_duplicate");
  hearing.answer = refuse;
  expect(await send()).toBe(0);
  for (const waitMs of [1000, 2000, 4000, 8000]) {
    const before = told.length;
    clock.advance(waitMs - 1);
    await send();
    expect(told).toHaveLength(before);
    clock.advance(1);
    await send();
    expect(told).toHaveLength(before + 2);
  }
  hearing.answer = async () => {};
  clock.advance(16_000);
  expect(await send()).toBe(2);
  expect(await waiting()).toBe(0);
});

test("25: one that was being told when the process was killed is told by the next", async () => {
  const { authorize, send, told, hearing, clock } = await serve();
  await authorize("pm_duplicate");
  const dead = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  hearing.answer = () => {
    if (told.length === 2) reached.resolve();
    return dead.promise;
  };
  const lost = send();
  await reached.promise;
  hearing.answer = async () => {};
  clock.advance(1000);
  expect(await send()).toBe(2);
  expect(told).toHaveLength(4);
  dead.resolve();
  await lost;
});

test("a callback that nobody ever takes is given up after two hours", async () => {
  const { authorize, send, told, waiting, hearing, clock } = await serve();
  await authorize("pm_duplicate");
  hearing.answer = refuse;
  for (let n = 0; n < 40; n++) {
    await send();
    clock.advance(300_000);
  }
  expect(told).toHaveLength(64);
  expect(await waiting()).toBe(0);
});

test("faults are served where they are allowed, to payment only, and nowhere else", async () => {
  const { server } = await serve();
  const closed = server.connect(processorv1.FaultService, { service: "payment" });
  await expect(closed.setFaults({}, options)).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
  const allowed = await serve({ allowFaults: true });
  const order = allowed.server.connect(processorv1.FaultService, { service: "order" });
  await expect(order.setFaults({}, options)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  const payment = allowed.server.connect(processorv1.FaultService, { service: "payment" });
  const { faults } = await payment.setFaults({ faults: { seed: 7n, errorRate: 1 } }, options);
  expect(faults).toMatchObject({ seed: 7n, errorRate: 1 });
  await expect(allowed.authorize("pm_ok")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await payment.setFaults({}, options);
  expect(await allowed.authorize("pm_ok")).toBeDefined();
});

for (const [what, faults] of [
  ["a rate above one", { errorRate: 1.5 }],
  ["a rate below zero", { lateRate: -0.1 }],
  ["a rate that is no number", { timeoutRate: Number.NaN }],
  ["a delay without end", { delay: { seconds: 3600n } }],
] as const) {
  test(`${what} is INVALID_ARGUMENT`, async () => {
    const { server } = await serve({ allowFaults: true });
    const set = server.connect(processorv1.FaultService, { service: "payment" }).setFaults({ faults }, options);
    await expect(set).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
}
