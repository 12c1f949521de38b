import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { heapSlope } from "./leaks/heap-slope.ts";

const leaks = (...options: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, "leaks/leaks.ts"), ...options], {
    timeout: 110_000,
  });

// A shorter run of `make leaks`: 150 bytes of each call would be seen, and a call is some 8,000.
const SHORT = ["--calls=4000", "--streams=400"];

test("54: calls and streams leave nothing on the heap", async () => {
  const { stdout } = await leaks(...SHORT);
  expect(stdout.match(/none leak/g)).toHaveLength(2);
}, 120_000);

test("what an interceptor keeps of each call is found", async () => {
  await expect(leaks(...SHORT, "--leak")).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("LEAK") });
}, 120_000);

test("a slope is told from points that scatter, and from one that is far off", () => {
  const points = Array.from({ length: 20 }, (_, i) => ({ calls: i * 100, bytes: 5_000 + i * 700 + (i % 3) * 20 }));
  expect(heapSlope(points)).toBeCloseTo(7, 0);
  const flat = points.map(({ calls }, i) => ({ calls, bytes: i === 7 ? 9_000_000 : 5_000 + (i % 3) * 20 }));
  expect(Math.abs(heapSlope(flat))).toBeLessThan(0.1);
});
