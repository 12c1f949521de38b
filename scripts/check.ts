// Everything that must hold before a change lands. Runs all of it, also after a failure, and ends with one line of counts.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, readReport } from "./vitest-report.ts";

const root = join(import.meta.dirname, "..");
const say = (line: string) => process.stdout.write(`${line}\n`);

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ["format", "biome", "check", "--linter-enabled=false", "."],
  ["lint", "biome", "lint", "--error-on-warnings", "."],
  ["types", "tsc", "-p", "."],
  ["contracts: lint", "buf", "lint"],
  ["contracts: format", "buf", "format", "--diff", "--exit-code", "proto"],
  ["contracts: breaking changes", "node", "scripts/check-breaking.ts"],
  ["contracts: OpenAPI", "node", "scripts/check-openapi.ts"],
  ["licences", "node", "scripts/licences.ts"],
  ["known weaknesses", "node", "scripts/audit.ts"],
  ["conformance", "node", "scripts/conformance.ts"],
  ["interop", "node", "scripts/interop.ts"],
  ["chaos", "node", "test/chaos/chaos.ts", "--minutes=0.5"],
];

/** A check that lacks something of this machine ends with this code, and says what. */
const CANNOT_RUN = 3;

type Result = "ok" | "FAILED" | "not run";

function run(name: string, command: readonly string[]): Result {
  const [program, ...args] = command;
  say(`\n${name}: ${command.join(" ")}`);
  const startedAt = performance.now();
  const { status, error } = spawnSync(program ?? "", args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (error) say(error.message);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const result = status === 0 ? "ok" : status === CANNOT_RUN ? "not run" : "FAILED";
  say(`${name}: ${result} (${seconds} s)`);
  return result;
}

/** What git sees as changed; outside a repository nothing. */
const changes = () => spawnSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" }).stdout ?? "";

function runTests(): Outcome {
  const folder = mkdtempSync(join(tmpdir(), "tenon-check-"));
  try {
    const file = join(folder, "report.json");
    const report = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    return readReport(file, run("tests", ["vitest", "run", ...report]) === "ok");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const before = changes();
const results = CHECKS.map(([name, ...command]) => ({ name, result: run(name, command) }));
const tests = runTests();
const after = changes();
results.push({ name: "clean tree", result: before === after ? "ok" : "FAILED" });
if (before !== after) say(`\nclean tree: FAILED, the checks changed files that git watches:\n${after}`);

const named = (which: Result) => results.filter(({ result }) => result === which).map(({ name }) => name);
const failures = named("FAILED");
const notRun = [...named("not run"), ...tests.skipped];
if (notRun.length > 0) say(`\nnot run here:\n  ${notRun.join("\n  ")}`);
if (failures.length > 0) say(`\nfailed: ${failures.join(", ")}`);
const failed = failures.length + tests.failed;
say(`${named("ok").length + tests.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
