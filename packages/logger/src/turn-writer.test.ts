import { spawnSync } from "node:child_process";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createTurnWriter } from "./turn-writer.ts";

function record() {
  const writes: string[] = [];
  return { writes, writer: createTurnWriter({ write: (text) => void writes.push(text) }) };
}

test("the lines of a turn are written together at its end, in their order", async () => {
  const { writes, writer } = record();
  for (const line of ["a\n", "b\n", "c\n"]) writer.write(line);
  expect(writes).toEqual([]);
  await setImmediate();
  writer.write("d\n");
  await setImmediate();
  expect(writes).toEqual(["a\nb\nc\n", "d\n"]);
});

test("a turn that writes without end is not held in memory", () => {
  const { writes, writer } = record();
  for (let i = 0; i < 100; i++) writer.write("x".repeat(1024));
  expect(writes.map(({ length }) => length)).toEqual([64 * 1024]);
});

for (const [how, end, code] of [
  ["exits", "process.exit(3)", 3],
  ["ends by an error", "throw new Error('by design')", 1],
  ["comes to its end", "", 0],
] as const) {
  test(`a process that ${how} has written its lines`, () => {
    const index = JSON.stringify(new URL("./index.ts", import.meta.url));
    const program = `import { createLogger } from ${index}; createLogger({ name: "order" }).info({}, "last words"); ${end}`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(stdout.trim().split("\n")).toEqual([expect.stringContaining("last words")]);
    expect(status).toBe(code);
  });
}
