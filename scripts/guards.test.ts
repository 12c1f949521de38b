import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { GUARDS } from "./guards/index.ts";

const root = join(import.meta.dirname, "..");

for (const { name, file, on, tests } of GUARDS) {
  test(`the guard and its tests are where the list has them: ${name}`, () => {
    const text = readFileSync(join(root, file), "utf8");
    expect(text.split(on)).toHaveLength(2);
    const folder = dirname(tests);
    const found = readdirSync(join(root, folder)).filter((each) => `${folder}/${each}`.startsWith(tests));
    expect(found.some((each) => each.endsWith(".test.ts"))).toBe(true);
  });
}
