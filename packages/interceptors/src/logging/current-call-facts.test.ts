import { createMetadata } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { expect, test } from "vitest";
import { KINDS, startGreeter } from "../greeter-fixture.ts";
import { detached, logging, propagation, tracedWork, tracing } from "../index.ts";
import { registerTracing } from "../telemetry/telemetry-fixture.ts";
import { currentCallFacts } from "./current-call-facts.ts";

function record() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, logger: createLogger({ name: "greeter", destination, facts: currentCallFacts }) };
}

for (const { kind, invoke } of KINDS) {
  test(`a line of a ${kind} handler, written later too, has the ids of its access log line`, async () => {
    registerTracing();
    const { lines, logger } = record();
    const { greetings } = await startGreeter({
      server: [propagation(), tracing(), logging(logger)],
      async inHandler() {
        await new Promise((resolve) => setImmediate(resolve));
        logger.info({ greeting: 1 }, "a line of the service");
      },
    });
    await invoke(greetings, { metadata: createMetadata({ "x-request-id": "request-1" }), timeoutMs: 5000 });
    await expect.poll(() => lines.length).toBe(2);
    const ids = {
      request_id: "request-1",
      trace_id: expect.stringMatching(/^[\da-f]{32}$/),
      span_id: expect.stringMatching(/^[\da-f]{16}$/),
    };
    expect(lines).toMatchObject([
      { msg: "a line of the service", ...ids },
      { msg: "finished call", ...ids },
    ]);
    expect(lines[0]?.trace_id).toBe(lines[1]?.trace_id);
    expect(lines[0]?.span_id).toBe(lines[1]?.span_id);
  });
}

test("without an SDK it has the trace that the caller named", async () => {
  const { lines, logger } = record();
  const { greetings } = await startGreeter({ server: [propagation()], inHandler: () => logger.info({}) });
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const metadata = createMetadata({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  await greetings.greet({ name: "Ada" }, { metadata, timeoutMs: 5000 });
  expect(lines).toMatchObject([{ trace_id: traceId, request_id: expect.any(String) }]);
});

test("a line of work that no call waits for has the ids of that work's span", async () => {
  const spans = registerTracing();
  const { lines, logger } = record();
  await tracedWork({ name: "settle" }, async () => logger.info({}, "in the work"));
  const { traceId, spanId } = spans()[0]?.spanContext() ?? {};
  expect(lines).toMatchObject([{ trace_id: traceId, span_id: spanId }]);
});

test("a line of nobody's call has none", async () => {
  const { lines, logger } = record();
  logger.info({}, "before");
  const { greetings } = await startGreeter({
    server: [propagation()],
    inHandler: () => detached(() => logger.info({}, "detached")),
  });
  await greetings.greet({ name: "Ada" }, { timeoutMs: 5000 });
  expect(lines.map(({ request_id, trace_id }) => [request_id, trace_id])).toEqual(
    [[], []].map(() => [undefined, undefined]),
  );
});
