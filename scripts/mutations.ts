// Switches off one guard of the money's promises after the other, in a copy of the tree, and runs the tests that ought to
// notice. A guard that nobody misses is either not tested or not needed, so that it ends with code 1.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { GUARDS, type Guard } from "./guards/index.ts";

const root = join(import.meta.dirname, "..");
const say = (line: string) => process.stdout.write(`${line}\n`);

/** At the root only. The workspace's own links are relative, so that they lead into the copy. */
const NOT_COPIED = new Set(["node_modules", ".git", ".data", "bench"]);

function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "tenon-mutations-"));
  const filter = (path: string) => !NOT_COPIED.has(relative(root, path));
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true, filter });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Whether these tests pass in the copy. */
function pass(copy: string, tests: readonly string[]): boolean {
  const vitest = join(root, "node_modules/.bin/vitest");
  const { status, error } = spawnSync(vitest, ["run", "--bail=1", "--reporter=dot", ...tests], {
    cwd: copy,
    stdio: "ignore",
    timeout: 300_000,
  });
  if (error) throw error;
  return status === 0;
}

function isMissed(copy: string, { file, on, off, tests }: Guard): boolean {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  writeFileSync(
    path,
    text.replace(on, () => off),
  );
  try {
    return !pass(copy, [tests]);
  } finally {
    writeFileSync(path, text);
  }
}

const [only = ""] = process.argv.slice(2);
const guards = GUARDS.filter(({ name }) => name.includes(only));
const copy = copyTree();
try {
  const tests = [...new Set(guards.map((guard) => guard.tests))];
  if (!pass(copy, tests)) throw new Error("the tests fail with every guard on: mend that first");
  const survivors: Guard[] = [];
  for (const guard of guards) {
    const missed = isMissed(copy, guard);
    if (!missed) survivors.push(guard);
    say(`${missed ? "red  " : "GREEN"}  ${guard.name} (${guard.tests})`);
  }
  say(`\n${guards.length} guards switched off, ${survivors.length} not missed`);
  if (survivors.length > 0) process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
