import { randomUUID } from "node:crypto";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { servePayment } from "../payment-server-fixture.ts";

const options = { timeoutMs: 20_000 };
const MINUTE_MS = 60_000;

const silent = async () => {
  throw new StatusError("UNAVAILABLE", "the processor did not answer");
};

async function serve() {
  const served = await servePayment();
  const admin = served.connectTo(paymentv1.ReconciliationService, { id: randomUUID(), role: "admin" });
  const open = served.db.selectFrom("findings").select("kind").where("resolved_at", "is", null);
  return {
    ...served,
    /** By hand: all of it, now. */
    reconcile: () => Array.fromAsync(admin.reconcile({}, options)),
    openFindings: async () => (await open.execute()).map(({ kind }) => kind),
  };
}

test("22: a request that the processor does not answer for a quarter of an hour is found, until it does", async () => {
  const served = await serve();
  const { processor, clock } = served;
  processor.faults = { before: silent };
  await expect(served.authorized()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  clock.advance(14 * MINUTE_MS);
  await served.reconcileSome();
  expect(await served.openFindings()).toEqual([]);
  clock.advance(2 * MINUTE_MS);
  await served.reconcileSome();
  expect(await served.openFindings()).toEqual(["UNANSWERED"]);
  processor.faults = {};
  expect(await served.finishDueSteps()).toBe(1);
  clock.advance(MINUTE_MS);
  await served.reconcileSome();
  expect(await served.openFindings()).toEqual([]);
});

test("22: of a processor that is silent altogether it is found what it leaves unanswered, all of it and once", async () => {
  const served = await serve();
  const { processor, clock } = served;
  const { read, find } = processor.statement;
  const left = 203;
  processor.faults = { before: silent };
  const asked = Array.from({ length: left }, () => served.authorized());
  for (const each of await Promise.allSettled(asked)) expect(each.status).toBe("rejected");
  Object.assign(processor.statement, { read: silent, find: silent });
  clock.advance(14 * MINUTE_MS);
  await expect(served.reconcile()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(await served.openFindings()).toEqual([]);
  clock.advance(MINUTE_MS);
  for (let round = 0; round < 2; round++) {
    await expect(served.reconcileSome()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await served.openFindings()).toEqual(Array(left).fill("UNANSWERED"));
  }
  // It is back, and never got the requests.
  Object.assign(processor.statement, { read, find });
  clock.advance(MINUTE_MS);
  expect((await served.reconcile()).at(-1)).toMatchObject({ openFindings: BigInt(left), complete: true });
  processor.faults = {};
  expect(await served.finishDueSteps()).toBe(left);
  clock.advance(MINUTE_MS);
  expect((await served.reconcile()).at(-1)).toMatchObject({ openFindings: 0n, complete: true });
});
