import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeDataDirectory } from "./data-directory.ts";

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "data-directory-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

test("what is missing of the path is made, and nothing else", async () => {
  const directory = join(await newDirectory(), "a/b/c");
  await Promise.all([makeDataDirectory(directory), makeDataDirectory(directory)]);
  await makeDataDirectory(directory);
  expect(await readdir(directory)).toEqual([]);
});

const refusal = (directory: string) => makeDataDirectory(directory).catch(({ name, message }) => `${name}: ${message}`);

for (const [what, below, reason] of [
  ["a file", "letter", "it is a file"],
  ["below a file", "letter/data", "a part of its path is a file"],
] as const) {
  test(`${what} is refused in a line`, async () => {
    const home = await newDirectory();
    await writeFile(join(home, "letter"), "mine");
    const directory = join(home, below);
    expect(await refusal(directory)).toBe(
      `StartError: nothing can be kept in ${directory} (${reason}): set DATA_DIR to a directory of yours`,
    );
  });
}

test.skipIf(process.getuid?.() === 0)("one that is only to be read is refused in a line", async () => {
  const directory = await newDirectory();
  await chmod(directory, 0o500);
  expect(await refusal(directory)).toContain(`nothing can be kept in ${directory} (permission denied)`);
});

for (const directory of ["/proc", "/proc/tenon", "/proc/tenon/data"]) {
  test.skipIf(!existsSync("/proc/self"))(`${directory}, where nothing can be made, is refused in a line`, async () => {
    expect(await refusal(directory)).toMatch(`StartError: nothing can be kept in ${directory} (`);
  });
}
