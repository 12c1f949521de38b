import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GUARDS } from "./guards.ts";

for (const { name, file, on } of GUARDS) {
  test(`the guard is where the list has it: ${name}`, () => {
    const text = readFileSync(join(import.meta.dirname, "..", file), "utf8");
    expect(text.split(on)).toHaveLength(2);
  });
}
