import { expect, test } from "vitest";
import { createLogger, type LogLevel } from "./index.ts";

function record(level?: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, logger: createLogger({ name: "order", destination, ...(level && { level }) }) };
}

test("a line has its level by name, its time and whose it is", () => {
  const { lines, logger } = record();
  logger.info({ "grpc.code": "OK" }, "finished call");
  expect(lines).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      name: "order",
      "grpc.code": "OK",
      msg: "finished call",
    },
  ]);
});

test("lines below the level are not written", () => {
  const { lines, logger } = record("warn");
  logger.info({}, "no");
  logger.warn({}, "yes");
  expect(lines.map((line) => line["msg"])).toEqual(["yes"]);
});

test("secrets are redacted at the top and one level down", () => {
  const { lines, logger } = record();
  logger.error({ password: "hunter2hunter2", request: { email: "ada@example.com" } });
  expect(JSON.stringify(lines)).not.toMatch(/hunter2|ada@/);
});

test("an error is logged with its stack and its cause", () => {
  const { lines, logger } = record();
  logger.error({ err: new Error("outer", { cause: new Error("inner") }) });
  expect(JSON.stringify(lines)).toMatch(/outer.*inner/);
});
