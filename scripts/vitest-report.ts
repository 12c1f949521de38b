import { readFileSync } from "node:fs";

/** The part of vitest's JSON report that is read here. */
interface Report {
  numPassedTests: number;
  testResults: { status: string; assertionResults: { status: string; fullName: string }[] }[];
}

export interface Outcome {
  passed: number;
  failed: number;
  /** The names of tests that did not run. */
  skipped: string[];
}

/**
 * Counts of a report. A file that failed as a whole (an import, a `beforeAll`) is one failure, and a run that failed
 * without a failed test (an unhandled rejection, no report at all) is never zero.
 */
export function readReport(file: string, ok: boolean): Outcome {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: [] };
  }
  const failed = report.testResults
    .filter(({ status }) => status === "failed")
    .map(({ assertionResults }) => Math.max(1, assertionResults.filter(({ status }) => status === "failed").length))
    .reduce((sum, count) => sum + count, 0);
  return {
    passed: report.numPassedTests,
    failed: ok ? failed : Math.max(1, failed),
    skipped: report.testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status !== "passed" && status !== "failed")
      .map(({ fullName }) => fullName),
  };
}
