// Compares the gateway's OpenAPI document with docs/openapi.json as it is here, and as the last landing left it.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { findLastLanding, git } from "./last-landing.ts";
import { breakingChanges } from "./openapi-changes.ts";

const KEPT = "docs/openapi.json";
const say = (line: string) => process.stdout.write(`${line}\n`);

function printed(): unknown {
  const args = ["services/gateway/src/print-openapi.ts"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`the document cannot be made: ${stderr}`);
  return JSON.parse(stdout);
}

function tellBreaking(before: unknown, now: unknown, name: string): boolean {
  const broken = breakingChanges(before, now);
  for (const line of broken) say(`${name}: ${line}`);
  return broken.length > 0;
}

function check(): number {
  const now = printed();
  const kept: unknown = JSON.parse(readFileSync(KEPT, "utf8"));
  if (!isDeepStrictEqual(kept, now)) {
    const broken = tellBreaking(kept, now, KEPT);
    say(`${KEPT} is not what the contracts say${broken ? ", and what changed breaks clients" : ""}: run make openapi`);
    return 1;
  }
  const base = findLastLanding();
  const old = "none" in base ? undefined : git("show", `${base.commit}:${KEPT}`);
  if ("none" in base || old === undefined) {
    say(
      `OpenAPI: ${KEPT} is up to date; nothing to compare with: ${"none" in base ? base.none : `${base.name} has none`}`,
    );
    return 0;
  }
  const broken = tellBreaking(JSON.parse(old), now, base.name);
  say(`OpenAPI: breaking changes ${broken ? "found" : "none"} against ${base.name} (${base.commit.slice(0, 12)})`);
  return broken ? 1 : 0;
}

process.exitCode = check();
