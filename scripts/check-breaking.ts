// Compares proto/ with the contracts that the last landing left: buf's FILE rules (nothing that compiles or decodes stops).
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findLastLanding, git } from "./last-landing.ts";

const root = process.cwd();
const say = (line: string) => process.stdout.write(`${line}\n`);

/** The old contracts as a workspace like ours: third-party protos are not in git and are those of now. */
function exportContracts(commit: string, folder: string): void {
  const archive = spawnSync("git", ["archive", commit, "proto"], { cwd: root, maxBuffer: 64 << 20 });
  if (archive.status !== 0) throw new Error(`git archive ${commit} failed: ${archive.stderr.toString().trim()}`);
  const tar = spawnSync("tar", ["-x", "-C", folder], { input: archive.stdout });
  if (tar.status !== 0) throw new Error(`tar failed: ${tar.error?.message ?? tar.stderr.toString().trim()}`);
  copyFileSync(join(root, "buf.yaml"), join(folder, "buf.yaml"));
  cpSync(join(root, ".proto"), join(folder, ".proto"), { recursive: true });
}

function check(): number {
  const base = findLastLanding();
  if ("none" in base) {
    say(`breaking changes: not checked, ${base.none}`);
    return 0;
  }
  if (git("cat-file", "-e", `${base.commit}:proto`) === undefined) {
    say(`breaking changes: not checked, ${base.name} has no proto/`);
    return 0;
  }
  const old = mkdtempSync(join(tmpdir(), "tenon-breaking-"));
  try {
    exportContracts(base.commit, old);
    const { status, error } = spawnSync("buf", ["breaking", "--against", old], { cwd: root, stdio: "inherit" });
    if (error) throw error;
    say(`breaking changes: ${status === 0 ? "none" : "found"} against ${base.name} (${base.commit.slice(0, 12)})`);
    return status ?? 1;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

process.exitCode = check();
