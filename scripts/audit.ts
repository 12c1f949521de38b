// Known weaknesses of what production is made of, from "high" on, as the registry knows them: 1 where there are any, 3 where
// the registry does not answer, which is told and no failure of ours.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const CANNOT_RUN = 3;
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

interface Advisory {
  readonly module_name?: string;
  readonly severity?: string;
  readonly title?: string;
  readonly url?: string;
}

const args = ["-y", packageManager, "audit", "--prod", "--audit-level", "high", "--json", "--config.pmOnFail=ignore"];
const { status, stdout, stderr, error } = spawnSync("npx", args, {
  cwd: root,
  encoding: "utf8",
  timeout: 120_000,
  maxBuffer: 2 ** 26,
});
const found = advisoriesIn(stdout ?? "");
if (found === undefined) {
  const why =
    error?.message ??
    stderr
      .slice(Math.max(0, stderr.indexOf("Error:")))
      .replaceAll(/[\s│]+/g, " ")
      .trim();
  process.stdout.write(
    `Nobody could be asked for known weaknesses, so that none are known and none excluded: ${why}\n`,
  );
  process.exitCode = CANNOT_RUN;
} else {
  for (const { module_name, severity, title, url } of found) {
    process.stdout.write(`${severity}: ${module_name}: ${title} ${url}\n`);
  }
  process.stdout.write(`${found.length} known weaknesses of production, from high on\n`);
  process.exitCode = status === 0 && found.length === 0 ? 0 : 1;
}

/** Undefined where what came is no answer. */
function advisoriesIn(text: string): readonly Advisory[] | undefined {
  try {
    const { advisories } = JSON.parse(text);
    return advisories === undefined ? undefined : Object.values(advisories);
  } catch {
    return undefined;
  }
}
