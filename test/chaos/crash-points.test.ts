import { expect, test } from "vitest";
import { CRASH_POINTS, isAt, type Statement } from "./crash-points.ts";

const step = (kind: string): Statement => ({
  text: 'insert into "steps" ("id", "kind") values ($1, $2)',
  values: ["1", kind],
});

const metBy = (...at: [when: "before" | "after", at: "statement" | "commit", sent: readonly Statement[]]) =>
  Object.entries(CRASH_POINTS).flatMap(([name, point]) => (isAt(point, ...at) ? [name] : []));

test("a commit is told by what its transaction wrote", () => {
  expect(metBy("before", "commit", [step("CAPTURE")])).toEqual(["payment.capture.before_commit"]);
  expect(metBy("after", "commit", [step("VOID")])).toEqual(["payment.void.after_commit"]);
});

test("a statement within a transaction is not its commit", () => {
  expect(metBy("before", "statement", [step("CAPTURE")])).toEqual([]);
});

test("a transaction that wrote nothing of note is no point", () => {
  expect(metBy("before", "commit", [])).toEqual([]);
  expect(metBy("after", "commit", [{ text: "select 1", values: ["CAPTURE"] }])).toEqual([]);
});
