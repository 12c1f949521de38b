import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cpuTicks } from "./cpu-time.ts";

const REST = "S 1 4821 4821 0 -1 4194560 9123 77 0 0 312 45 9 8 20 0 11 0 88123 1234567 8910 18446744073709551615";

for (const [name, line] of [
  ["a plain name", `4821 (node) ${REST}`],
  ["a name with spaces", `4821 (node main thread) ${REST}`],
  ["a name with brackets", `4821 (a) b (c) ${REST}`],
] as const) {
  test(`user and system time are the process's own, behind ${name}`, () => {
    expect(cpuTicks(line)).toBe(312 + 45);
  });
}

for (const line of ["", "4821 (node) S 1 2", `4821 (node) ${REST.replace("312", "x")}`]) {
  test(`${JSON.stringify(line)} is refused`, () => {
    expect(() => cpuTicks(line)).toThrow("not a line of /proc");
  });
}

test.skipIf(process.platform !== "linux")("this process has used some CPU by what Linux says", () => {
  const { user, system } = process.cpuUsage();
  const microseconds = cpuTicks(readFileSync(`/proc/${process.pid}/stat`, "utf8")) * 10_000;
  expect(microseconds).toBeGreaterThan((user + system) / 4);
  expect(microseconds).toBeLessThan((user + system) * 4);
});
