import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StatusError } from "@tenon/errors";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCallLog, isUnavailable } from "./call-log.ts";
import { type Drilled, drainOne, forceOne } from "./drain-drills.ts";
import { startDrillLoad } from "./drill-load.ts";
import { startDrillPlatform } from "./drill-platform.ts";
import { toRow } from "./drill-row.ts";
import { rotateCertificates } from "./rotation-drill.ts";

// A part of `make drill`, on as few processes as show it; a call that fails is a fault of its row.

const undo = new AsyncDisposableStack();
let drilled: Drilled;

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), "tenon-drill-test-"));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const replicas = { order: 2, payment: 1, processor: 1, user: 1 };
  const platform = undo.use(await startDrillPlatform({ directory, replicas, gateways: 0 }));
  const load = undo.use(await startDrillLoad(platform));
  await load.answered(120_000);
  drilled = { platform, load };
}, 240_000);
afterAll(() => undo.disposeAsync(), 60_000);

function order(name: "order-1" | "order-2") {
  const found = drilled.platform.services.processes.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

test("49: one of two is told to end, under load: its order of steps, exit 0, and no call fails", async () => {
  const row = await drainOne(drilled, order("order-1"));
  expect(row).toMatchObject({ faults: [], failed: 0 });
  expect(row.calls).toBeGreaterThan(0);
}, 240_000);

test("49: told a second time it ends at once, and nobody's call fails but with UNAVAILABLE", async () => {
  const row = await forceOne(drilled, order("order-2"));
  expect(row.faults).toEqual([]);
  expect(row.calls).toBeGreaterThan(0);
}, 240_000);

test("57: certificates are made anew under load: every process shows its new one, and no call fails", async () => {
  const row = await rotateCertificates(drilled);
  expect(row).toMatchObject({ faults: [], failed: 0 });
  expect(row.calls).toBeGreaterThan(0);
}, 240_000);

test("a call that fails is a fault of its row, unless failures of its kind are none", async () => {
  const log = createCallLog();
  const measure = log.measure();
  const fail = (code: "UNAVAILABLE" | "INTERNAL") => () => Promise.reject(new StatusError(code, "as it was asked"));
  await log.attempt("GetMe 1", fail("UNAVAILABLE"));
  const drill = { drill: "a drill", invariant: "49", seen: "" };
  expect(toRow(drill, measure.tally(), []).faults).toEqual(["1 x GetMe: UNAVAILABLE  as it was asked"]);
  expect(toRow(drill, measure.tally(), [], isUnavailable).faults).toEqual([]);
  await log.attempt("GetMe 1", fail("INTERNAL"));
  expect(toRow(drill, measure.tally(), [], isUnavailable)).toMatchObject({
    ...{ calls: 2, failed: 2 },
    faults: ["1 x GetMe: INTERNAL  as it was asked"],
  });
});
