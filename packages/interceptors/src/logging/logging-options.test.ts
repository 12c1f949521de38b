import { createMetadata } from "@tenon/grpc";
import { expect, test } from "vitest";
import { KINDS, recordLog, startGreeter } from "../greeter-fixture.ts";
import { type LoggingOptions, logging } from "./logging.ts";

const told = (lines: readonly { message: string | undefined }[]) => lines.map(({ message }) => message);

for (const { kind, requests, responses, invoke } of KINDS) {
  for (const side of ["server", "client"] as const) {
    test(`a ${side} tells start, every message and end of a ${kind} call where it is asked to`, async () => {
      const { logger, lines } = recordLog();
      const { greetings } = await startGreeter({
        [side]: [logging(logger, { events: ["start", "payload", "finish"] })],
      });
      await invoke(greetings);
      const [requestDeed, responseDeed] = side === "server" ? ["received", "sent"] : ["sent", "received"];
      const messages = told(lines);
      expect([messages[0], messages.at(-1)]).toEqual(["started call", "finished call"]);
      expect(messages.slice(1, -1).sort()).toEqual([
        ...Array(requests).fill(`request ${requestDeed}`),
        ...Array(responses).fill(`response ${responseDeed}`),
      ]);
    });
  }
}

test("lines of messages show them, and never metadata", async () => {
  const { logger, lines } = recordLog();
  const { greetings } = await startGreeter({ server: [logging(logger, { events: ["payload"] })] });
  await greetings.greet({ name: "Ada" }, { metadata: createMetadata({ cookie: "canary" }) });
  expect(lines).toMatchObject([
    { level: "info", facts: { "grpc.method": "Greet", "grpc.request.content": { name: "Ada" } } },
    { level: "info", facts: { "grpc.method": "Greet", "grpc.response.content": { message: "Hello Ada" } } },
  ]);
  expect(JSON.stringify(lines)).not.toContain("canary");
});

test("a large message is shown by its beginning", async () => {
  const { logger, lines } = recordLog();
  const { greetings } = await startGreeter({
    server: [logging(logger, { events: ["payload"], maxPayloadLength: 20 })],
  });
  await greetings.greet({ name: "x".repeat(1000) });
  expect(lines[0]?.facts["grpc.request.content"]).toBe('{"name":"xxxxxxxxxxx… (1011 characters)');
});

test("a message without a descriptor, or that is none, costs the call nothing", () => {
  const { logger, lines } = recordLog();
  const interceptor = logging(logger, { events: ["payload"] });
  const call = {
    side: "server",
    method: { path: "/a.B/C", service: "a.B", name: "C" },
    requestMetadata: createMetadata(),
    values: { get: ({ defaultValue }: { defaultValue: unknown }) => defaultValue },
  };
  interceptor(call as never).onReceive?.({});
  expect(lines[0]?.facts["grpc.request.content"]).toBe("[not shown: no descriptor]");
});

test("what is told is decided by method and code", async () => {
  const { logger, lines } = recordLog();
  const decide: LoggingOptions["decide"] = ({ name }, code) => code !== "OK" || name === "ListGreetings";
  const { greetings } = await startGreeter({ server: [logging(logger, { decide })] });
  for (const { invoke } of KINDS) await invoke(greetings);
  await greetings.greet({}, { timeoutMs: -1 }).catch(() => {});
  expect(lines.map(({ facts }) => facts["grpc.method"]).slice(0, 1)).toEqual(["ListGreetings"]);
  expect(lines.filter(({ facts }) => facts["grpc.code"] === "OK")).toHaveLength(1);
});

test("of calls that end well a share is told, of others each", async () => {
  const { logger, lines } = recordLog();
  const throws = [0.05, 0.1, 0.5, 0.0999];
  const random = () => throws.shift() ?? 1;
  const { greetings } = await startGreeter({
    server: [logging(logger, { sampleOk: 0.1, random })],
    inHandler: ({ requestMetadata }) => {
      if (requestMetadata.get("fail").length > 0) throw new Error("no");
    },
  });
  for (const name of ["told", "not", "not", "told"]) await greetings.greet({ name });
  await greetings.greet({}, { metadata: createMetadata({ fail: "yes" }) }).catch(() => {});
  expect(lines.map(({ facts }) => facts["grpc.code"])).toEqual(["OK", "OK", "Internal"]);
});

for (const { kind, method, invoke } of KINDS) {
  const slow = method === "Greet";
  test(`a ${kind} call that takes long is ${slow ? "a warning, also where calls are sampled" : "as it should be"}`, async () => {
    const { logger, lines } = recordLog();
    const { greetings } = await startGreeter({
      server: [logging(logger, { slowMs: 5, sampleOk: slow ? 0 : 1 })],
      inHandler: () => new Promise((resolve) => setTimeout(resolve, 10)),
    });
    await invoke(greetings);
    expect(lines).toHaveLength(1);
    expect([lines[0]?.level, lines[0]?.facts["grpc.slow"]]).toEqual(slow ? ["warn", true] : ["info", undefined]);
  });
}

for (const [name, value] of [
  ["slowMs", 0],
  ["slowMs", -1],
  ["slowMs", Number.NaN],
  ["slowMs", 1e300],
  ["sampleOk", -0.1],
  ["sampleOk", 1.1],
  ["maxPayloadLength", 0],
] as const) {
  test(`${name} of ${value} is refused at the start, by name`, () => {
    expect(() => logging(recordLog().logger, { [name]: value })).toThrow(`logging: ${name} must be`);
  });
}
