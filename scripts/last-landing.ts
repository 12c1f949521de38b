import { spawnSync } from "node:child_process";

/** What git prints, or undefined where it refuses. */
export function git(...args: string[]): string | undefined {
  const { status, stdout, error } = spawnSync("git", args, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (error) throw error;
  return status === 0 ? stdout.trim() : undefined;
}

/** The commit that this work started from, whose contracts it has to keep; or why there is none. */
export function findLastLanding(): { commit: string; name: string } | { none: string } {
  if (git("rev-parse", "--git-dir") === undefined) return { none: "git sees no repository here that it trusts" };
  const head = git("rev-parse", "--verify", "--quiet", "HEAD");
  if (head === undefined) return { none: "no commit to compare with" };
  const main = git("merge-base", "HEAD", "origin/main");
  if (main !== undefined && main !== head) return { commit: main, name: "the merge base with origin/main" };
  const parent = git("rev-parse", "--verify", "--quiet", "HEAD^");
  if (parent !== undefined) return { commit: parent, name: "HEAD^" };
  const shallow = git("rev-parse", "--is-shallow-repository") === "true";
  return { none: shallow ? "the clone is shallow and has no earlier commit" : "this is the first commit" };
}
