import { expect, test } from "vitest";
import { createSubstitution } from "./sql-replay.ts";
import { countByProcess, oneAtATime, type TracedTrip, transactionWith, withoutIdle } from "./sql-trace.ts";

/** One trip; statements that went together are separated by semicolons. */
const sent = (connection: number, text: string, rowCount = 0): TracedTrip => ({
  process: "order",
  connection,
  statements: text.split("; ").map((each) => ({ text: each, values: [], rowCount, key: undefined })),
  at: 0,
});

const textsOf = (trace: readonly TracedTrip[]) =>
  trace.map(({ statements }) => statements.map(({ text }) => text).join("; "));

test("what is sent also when nothing is to be done is left out, with transactions of which nothing is left", () => {
  const poll = [sent(1, "begin"), sent(1, "poll", 0), sent(1, "commit")];
  const work = [sent(2, "begin"), sent(2, "insert", 1), sent(2, "commit")];
  expect(textsOf(withoutIdle([...poll, sent(3, "select 1", 1), ...work], [...poll, sent(3, "select 1", 1)]))).toEqual([
    "begin",
    "insert",
    "commit",
  ]);
});

test("a transaction in one trip is left out as a whole, and what goes with a poll is not", () => {
  const poll = [sent(1, "begin; poll; commit")];
  const work = [sent(1, "begin; poll"), sent(1, "insert; commit"), sent(2, "mark; poll")];
  expect(withoutIdle([...poll, ...work], poll)).toEqual(work);
});

test("a poll that found something is work", () => {
  expect(textsOf(withoutIdle([sent(1, "poll", 1)], [sent(1, "poll", 0)]))).toEqual(["poll"]);
});

test("a transaction is found by a statement of it", () => {
  const trace = [sent(1, "begin"), sent(2, "other"), sent(1, "insert into orders"), sent(1, "commit"), sent(1, "late")];
  expect(textsOf(transactionWith(trace, /into orders/))).toEqual(["begin", "insert into orders", "commit"]);
  expect(() => transactionWith(trace, /nowhere/)).toThrow("no statement of the trace is like /nowhere/");
});

test("transactions side by side come one after the other, as they ended", () => {
  const trace = [sent(1, "begin"), sent(2, "begin"), sent(1, "a"), sent(3, "c"), sent(2, "b"), sent(2, "commit")];
  const both = [...trace, sent(1, "commit")];
  expect(textsOf(oneAtATime(both))).toEqual(["c", "begin", "b", "commit", "begin", "a", "commit"]);
});

test("round trips are counted for each process", () => {
  expect(countByProcess([sent(1, "a"), sent(1, "b"), { ...sent(1, "c"), process: "user" }])).toEqual({
    order: 2,
    user: 1,
  });
});

const ID = "01a1fe56-956e-71cc-9fa9-87ea828e40ac";
const KEPT = "019b76da-a800-7000-8000-000000000002";

test("ids are new, the same one for the same one, also within texts; those of users and products stay", () => {
  const { of } = createSubstitution({ constants: new Set([KEPT]), replaced: {}, shiftMs: 0 });
  expect(of(ID)).not.toBe(ID);
  expect(of(ID)).toBe(of(ID));
  expect(of(`service:${ID}`)).toBe(`service:${of(ID)}`);
  expect(of(KEPT)).toBe(KEPT);
});

test("times move along, keys are as long as they were, and small numbers stay", () => {
  const { of } = createSubstitution({ constants: new Set(), replaced: { EUR: "AAA" }, shiftMs: 1000 });
  expect(of(new Date(5))).toEqual(new Date(1005));
  expect(of(Buffer.alloc(32))).toHaveLength(32);
  expect(of(of(123_456_789_012_345n))).not.toBe(123_456_789_012_345n);
  expect([of("EUR"), of(7), of(null)]).toEqual(["AAA", 7, null]);
});

test("what a worker took stands for what the one that was recorded took", () => {
  const { of, take } = createSubstitution({ constants: new Set(), replaced: {}, shiftMs: 0 });
  take(ID, "another order");
  take(17n, 99n);
  expect([of(ID), of([17n]), of(17n)]).toEqual(["another order", [99n], "17"]);
});
