import { CODES, type Code, StatusError } from "@tenon/errors";
import { createMetadata } from "@tenon/grpc";
import { expect, test } from "vitest";
import { KINDS, recordLog, startGreeter } from "../greeter-fixture.ts";
import { propagation } from "../propagation.ts";
import { CODE_NAMES } from "../telemetry/code-name.ts";
import { clientLevel, serverLevel } from "./log-level.ts";
import { logging } from "./logging.ts";

const LEVELS: Record<Code, readonly [server: string, client: string]> = {
  OK: ["info", "debug"],
  CANCELLED: ["info", "debug"],
  UNKNOWN: ["error", "info"],
  INVALID_ARGUMENT: ["info", "debug"],
  DEADLINE_EXCEEDED: ["warn", "info"],
  NOT_FOUND: ["info", "debug"],
  ALREADY_EXISTS: ["info", "debug"],
  PERMISSION_DENIED: ["warn", "info"],
  RESOURCE_EXHAUSTED: ["warn", "debug"],
  FAILED_PRECONDITION: ["warn", "debug"],
  ABORTED: ["warn", "debug"],
  OUT_OF_RANGE: ["warn", "debug"],
  UNIMPLEMENTED: ["error", "warn"],
  INTERNAL: ["error", "warn"],
  UNAVAILABLE: ["warn", "warn"],
  DATA_LOSS: ["error", "warn"],
  UNAUTHENTICATED: ["info", "info"],
};

for (const code of CODES) {
  test(`${code} is logged at ${LEVELS[code].join(" by a server, at ")} by a client`, () => {
    expect([serverLevel(code), clientLevel(code)]).toEqual(LEVELS[code]);
  });
}

test("codes have the names that Go gives them", () => {
  expect(CODE_NAMES).toEqual(
    `OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted
    FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated`.split(/\s+/),
  );
});

const OUTCOMES = [
  { outcome: "OK", thrown: undefined, server: "info", client: "debug", error: undefined },
  {
    outcome: "AlreadyExists",
    thrown: new StatusError("ALREADY_EXISTS", "greeted before"),
    server: "info",
    client: "debug",
    error: "greeted before",
  },
  { outcome: "Internal", thrown: new Error("hunter2"), server: "error", client: "warn", error: "internal error" },
];

for (const { kind, method, invoke } of KINDS) {
  for (const { outcome, thrown, error, ...levels } of OUTCOMES) {
    for (const side of ["server", "client"] as const) {
      test(`a ${side} logs one line of a ${kind} call that ends with ${outcome}`, async () => {
        const { logger, lines } = recordLog();
        const { greetings } = await startGreeter({
          [side]: [logging(logger)],
          inHandler: () => {
            if (thrown) throw thrown;
          },
        });
        await invoke(greetings, { timeoutMs: 5000 }).catch(() => {});
        expect(lines).toEqual([
          {
            level: levels[side],
            message: "finished call",
            facts: {
              protocol: "grpc",
              "grpc.component": side,
              "grpc.service": "greeter.v1.GreetingService",
              "grpc.method": method,
              "grpc.method_type": kind,
              "peer.address": expect.any(String),
              "grpc.start_time": expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
              "grpc.request.deadline": expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
              "grpc.code": outcome,
              ...(error !== undefined && { "grpc.error": error }),
              "grpc.time_ms": expect.any(Number),
            },
          },
        ]);
      });
    }
  }
}

test("a line names the request and the trace, and nothing else of metadata or messages", async () => {
  const { logger, lines } = recordLog();
  const { greetings } = await startGreeter({ server: [propagation(), logging(logger)] });
  const metadata = createMetadata({
    "x-request-id": "request-7",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    authorization: "Bearer canary-token",
    cookie: "canary-cookie",
  });
  await greetings.greet({ name: "canary-name" }, { metadata });
  expect(lines[0]?.facts).toMatchObject({ request_id: "request-7", trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" });
  expect(JSON.stringify(lines)).not.toContain("canary");
});

test("without propagation, what a caller sends as its request's id is told only where it is one", async () => {
  const { logger, lines } = recordLog();
  const { greetings } = await startGreeter({ server: [logging(logger)] });
  for (const id of ["request-7", "x".repeat(8000)]) {
    await greetings.greet({}, { metadata: createMetadata({ "x-request-id": id }), timeoutMs: 5000 });
  }
  expect(lines.map(({ facts }) => facts.request_id)).toEqual(["request-7", undefined]);
});

test("the cause of a refusal made on purpose is logged and not told", async () => {
  const { logger, lines } = recordLog();
  const cause = new Error("pool at 10.0.0.7 is full");
  const { greetings } = await startGreeter({
    server: [logging(logger)],
    inHandler: () => {
      throw new StatusError("UNAVAILABLE", "try again", { cause });
    },
  });
  await expect(greetings.greet({})).rejects.toMatchObject({ code: "UNAVAILABLE", message: "try again" });
  expect(lines[0]?.facts.err).toMatchObject({ cause });
});

test("a deadline that no calendar has is left out", async () => {
  const { logger, lines } = recordLog();
  const { greetings } = await startGreeter({
    server: [
      logging(logger),
      (call) => ({
        onStart: () => {
          call.deadline = 1e300;
        },
      }),
    ],
  });
  await greetings.greet({ name: "Ada" });
  expect(JSON.stringify(lines[0]?.facts)).not.toContain("grpc.request.deadline");
});
