import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

// A service is made in a copy of this repository, and what was made is looked at as a check would.

const root = join(import.meta.dirname, "..");
const copy = mkdtempSync(join(tmpdir(), "tenon-new-service-"));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** For a machine that is busy with everything else that is checked. */
const STEP_MS = 480_000;

/** Runs a program in the copy, with the programs that are installed there. */
function run(program: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const bin = join(copy, "node_modules/.bin");
  const PATH = [join(copy, "node_modules/node/bin"), bin, process.env.PATH].join(delimiter);
  const child = spawn(program, args, {
    cwd: copy,
    // Whoever starts the tests by make has a path that leads out of the copy.
    env: { ...process.env, PATH, OUTSIDE: undefined, MAKEFLAGS: undefined, VITEST: undefined },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: STEP_MS,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

async function succeed(program: string, ...args: string[]): Promise<string> {
  const { code, output } = await run(program, ...args);
  expect(code, `${program} ${args.join(" ")}\n${output}`).toBe(0);
  return output;
}

const git = (...args: string[]) => succeed("git", "-c", "user.name=test", "-c", "user.email=test@example.com", ...args);
/** Not the words of CONTRIBUTING: there may be such a service already. */
const NAME = "archive";
const ASKED = [`--name=${NAME}`, "--resource=folder"];
const newService = (...args: string[]) => run("node", "scripts/new-service.ts", ...args);

/** The paths that git shows as changed. */
const shown = async () =>
  (await git("status", "--porcelain", "--untracked-files=all")).split("\n").map((line) => line.slice(3));

beforeAll(async () => {
  const tracked = await run("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard");
  for (const path of tracked.output.split("\0")) {
    if (path !== "" && existsSync(join(root, path))) cpSync(join(root, path), join(copy, path));
  }
  await git("init", "-q");
  await git("add", "--all");
  await git("commit", "-qm", "before");
  await succeed("make", "node_modules/.installed");
}, STEP_MS);

test(
  "what fails on its way leaves nothing behind",
  async () => {
    const path = join(copy, "templates/service/services/warehouse/package.json");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, "{");
    await git("commit", "-qam", "broken");
    const { code, output } = await newService(...ASKED);
    expect(code).toBe(1);
    expect(output).toContain("nothing was written");
    expect(await git("status", "--porcelain")).toBe("");
    expect(existsSync(join(copy, `services/${NAME}`))).toBe(false);
    writeFileSync(path, text);
    await git("commit", "-qam", "mended");
  },
  STEP_MS,
);

test(
  "where git shows changes, or the name is none, nothing is begun",
  async () => {
    writeFileSync(join(copy, "notes.txt"), "");
    expect(await newService(...ASKED)).toMatchObject({
      code: 1,
      output: expect.stringContaining("commit or stash them first"),
    });
    rmSync(join(copy, "notes.txt"));
    expect(await newService("--name=Inventory")).toMatchObject({
      code: 1,
      output: expect.stringContaining("one word"),
    });
    expect(await git("status", "--porcelain")).toBe("");
  },
  STEP_MS,
);

test(
  "a new service passes what is checked, as it is, and is served",
  async () => {
    const { code, output } = await newService(...ASKED);
    expect(code, output).toBe(0);
    const again = await newService(...ASKED);
    expect(again).toMatchObject({ code: 1, output: expect.stringContaining(`name=${NAME}: there is one already`) });

    const changed = await shown();
    const written = changed.filter((path) => /\.(ts|json|yml|md)$/.test(path) && existsSync(join(copy, path)));
    expect(written).toContain(`services/${NAME}/src/${NAME}-service.ts`);
    await succeed("biome", "check", "--error-on-warnings", ...written);
    await succeed("buf", "lint");
    await succeed("buf", "format", "--diff", "--exit-code", "proto");
    // All but the benches, whose packages are not installed here, and the drills, of which one is a bench.
    const include = ["packages/*/src", "packages/*/gen", "services/*/src", "test"];
    const exclude = ["**/node_modules", "test/conformance", "test/drill", "test/installed", "test/interop"];
    writeFileSync(join(copy, "tsconfig.copy.json"), JSON.stringify({ extends: "./tsconfig.json", include, exclude }));
    await succeed("tsc", "-p", "tsconfig.copy.json");
    rmSync(join(copy, "tsconfig.copy.json"));

    // Its own tests, by REST too, and those that know what there is to be of each service.
    const others = [`${NAME}-routes`, "tidy", "compose", "compose-mtls"].map((name) => `test/${name}.test.ts`);
    await succeed("vitest", "run", `services/${NAME}`, ...others);
    expect(await shown()).toEqual(changed);
  },
  STEP_MS,
);
