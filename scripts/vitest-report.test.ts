import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readReport } from "./vitest-report.ts";

function report(files: { status: string; tests: string[] }[]): string {
  const tests = files.flatMap((file) => file.tests);
  const path = join(mkdtempSync(join(tmpdir(), "tenon-report-")), "report.json");
  const testResults = files.map(({ status, tests }) => ({
    status,
    assertionResults: tests.map((status, index) => ({ status, fullName: `${status} ${index}` })),
  }));
  const numPassedTests = tests.filter((test) => test === "passed").length;
  writeFileSync(path, JSON.stringify({ numPassedTests, testResults }));
  return path;
}

test("tests are counted by how they ended", () => {
  const path = report([
    { status: "passed", tests: ["passed", "passed", "pending"] },
    { status: "failed", tests: ["passed", "failed", "failed"] },
  ]);
  expect(readReport(path, false)).toEqual({ passed: 3, failed: 2, skipped: ["pending 2"] });
});

test("a file that could not be loaded is one failure", () => {
  expect(readReport(report([{ status: "failed", tests: [] }]), false).failed).toBe(1);
});

test("a run that failed without a failed test is a failure", () => {
  expect(readReport(report([{ status: "passed", tests: ["passed"] }]), false)).toMatchObject({ passed: 1, failed: 1 });
});

test("no report is a failure", () => expect(readReport("/nowhere/report.json", true).failed).toBe(1));
