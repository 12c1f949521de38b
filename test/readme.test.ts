import { execFile } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { examplesOf } from "./readme-examples.ts";

const root = join(import.meta.dirname, "..");
// inside this package, where every package of the workspace can be imported
mkdirSync(join(import.meta.dirname, ".data"), { recursive: true });
const folder = mkdtempSync(join(import.meta.dirname, ".data", "readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const readme of globSync("packages/*/*.md", { cwd: root }).sort()) {
  for (const [i, { program, output }] of examplesOf(readFileSync(join(root, readme), "utf8")).entries()) {
    test.concurrent(`example ${i + 1} of ${readme} runs${output === undefined ? "" : " and prints what it says"}`, async () => {
      const file = join(folder, `${readme.replaceAll("/", "-")}-${i}.ts`);
      writeFileSync(file, program);
      const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 120_000 });
      if (output !== undefined) expect(stdout).toBe(output);
    }, 150_000);
  }
}

test("a README's programs are its ts blocks, each with the text block that follows it at once", () => {
  const markdown =
    "a\n```ts\none\n```\n\n```text\nout\n```\n```ts\ntwo\n```\nwords\n```text\nno\n```\n```sh\nls\n```\n";
  expect(examplesOf(markdown)).toEqual([
    { program: "one\n", output: "out\n" },
    { program: "two\n", output: undefined },
  ]);
});

test("the one test that CONTRIBUTING has run by its name is there", () => {
  const contributing = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
  const [, folder = "", name = ""] = /vitest run (\S+) -t "([^"]+)"/.exec(contributing) ?? [];
  const named = globSync(`${folder}/src/**/*.test.ts`, { cwd: root }).filter((path) =>
    readFileSync(join(root, path), "utf8").includes(`test("${name}"`),
  );
  expect(named).toHaveLength(1);
});
