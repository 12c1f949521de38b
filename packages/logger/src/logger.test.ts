import { expect, test } from "vitest";
import { createLogger, type Logger, type LogLevel } from "./index.ts";

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
  expect(lines.map((line) => line.msg)).toEqual(["yes"]);
});

for (const [where, log] of [
  ["at the top", (logger: Logger) => logger.error({ password: "hunter2" })],
  ["one level down", (logger: Logger) => logger.error({ request: { email: "hunter2", id: 7 } })],
  ["in a message", (logger: Logger) => logger.error({ request: { newPassword: "hunter2" } })],
  ["in a child's facts", (logger: Logger) => logger.child({ access_token: "hunter2" }).error({})],
  [
    "in a grandchild's facts",
    (logger: Logger) =>
      logger
        .child({})
        .child({ user: { email: "hunter2" } })
        .error({}),
  ],
  [
    "on an error",
    (logger: Logger) => logger.error({ err: Object.assign(new Error("no"), { authorization: "hunter2" }) }),
  ],
] as const) {
  test(`secrets ${where} are redacted`, () => {
    const { lines, logger } = record();
    log(logger);
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain("hunter2");
    expect(JSON.stringify(lines)).toContain("[redacted]");
  });
}

test("any number of loggers leaves one listener on the process", () => {
  createLogger({ name: "first" });
  const listeners = process.listenerCount("exit");
  for (let i = 0; i < 20; i++) createLogger({ name: "order" });
  expect(process.listenerCount("exit")).toBe(listeners);
});

test("redaction leaves the logged objects as they are", () => {
  const { logger } = record();
  const facts = { password: "hunter2", request: { email: "ada@example.com", at: new Date(0) } };
  logger.info(facts);
  expect(facts).toEqual({ password: "hunter2", request: { email: "ada@example.com", at: new Date(0) } });
});

test("an error is logged with its stack and its cause", () => {
  const { lines, logger } = record();
  logger.error({ err: new Error("outer", { cause: new Error("inner") }) });
  expect(JSON.stringify(lines)).toMatch(/outer.*inner/);
});

test("facts of the moment are on each line, children's too, and give way to its own", () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  let moment: object | undefined = { request_id: "1", email: "hunter2" };
  const logger = createLogger({ name: "order", destination, facts: () => moment });
  logger.info({}, "a");
  logger.child({ worker: "w" }).info({ request_id: "2" });
  logger.error({ err: new Error("no") });
  moment = undefined;
  logger.info({}, "b");
  expect(lines).toMatchObject([
    { request_id: "1", email: "[redacted]", msg: "a" },
    { request_id: "2", worker: "w" },
    { request_id: "1", err: { message: "no" } },
    { msg: "b" },
  ]);
  expect(lines.at(-1)).not.toHaveProperty("request_id");
});
