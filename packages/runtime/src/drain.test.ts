import type { Logger } from "@tenon/logger";
import { expect, test } from "vitest";
import { type DrainStep, drain } from "./drain.ts";

const never = () => new Promise<void>(() => {});

test("steps run in their order, each after the one before has ended", async () => {
  const events: string[] = [];
  const step = (name: string): DrainStep => ({
    name,
    timeoutMs: 5000,
    async run() {
      events.push(`${name} begins`);
      await new Promise(setImmediate);
      events.push(`${name} ends`);
    },
  });
  await drain([step("a"), step("b")], recorder().logger);
  expect(events).toEqual(["a begins", "a ends", "b begins", "b ends"]);
});

for (const [what, run, line] of [
  ["never ends", never, "warn: drain step took too long and is left behind"],
  ["rejects", () => Promise.reject(new Error("broken")), "error: drain step failed"],
  [
    "throws",
    () => {
      throw new Error("broken");
    },
    "error: drain step failed",
  ],
] as const) {
  test(`a step that ${what} is told and does not keep the next one`, async () => {
    const { lines, logger } = recorder();
    let reached = false;
    const next = () => {
      reached = true;
    };
    await drain(
      [
        { name: "first", timeoutMs: 10, run },
        { name: "next", timeoutMs: 5000, run: next },
      ],
      logger,
    );
    expect(reached).toBe(true);
    expect(lines.filter((each) => !each.startsWith("info"))).toEqual([line]);
  });
}

function recorder() {
  const lines: string[] = [];
  const at = (level: string) => (_: object, message?: string) => void lines.push(`${level}: ${message}`);
  const logger: Logger = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => logger,
  };
  return { lines, logger };
}
