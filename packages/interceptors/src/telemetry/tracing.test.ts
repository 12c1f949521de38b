import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AlwaysOffSampler } from "@opentelemetry/sdk-trace";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Code, StatusError } from "@tenon/errors";
import { createClient, createMetadata } from "@tenon/grpc";
import { expect, test } from "vitest";
import { detached } from "../current-call.ts";
import { KINDS, recordLog, startGreeter } from "../greeter-fixture.ts";
import { logging } from "../logging/logging.ts";
import { propagation } from "../propagation.ts";
import { registerTracing } from "./telemetry-fixture.ts";
import { tracing } from "./tracing.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE_ID}-${SPAN_ID}-01`;

const OUTCOMES: { code: Code; thrown?: unknown; serverError: boolean }[] = [
  { code: "OK", serverError: false },
  { code: "NOT_FOUND", thrown: new StatusError("NOT_FOUND", "no such name"), serverError: false },
  { code: "DATA_LOSS", thrown: new StatusError("DATA_LOSS", "a page is gone"), serverError: true },
  { code: "INTERNAL", thrown: new Error("canary"), serverError: true },
];

for (const { kind, method, invoke } of KINDS) {
  for (const { code, thrown, serverError } of OUTCOMES) {
    test(`a ${kind} call that ends with ${code} is two spans of one trace, by the conventions`, async () => {
      const spans = registerTracing();
      const { greetings } = await startGreeter({
        over: "port",
        server: [tracing()],
        client: [tracing({ server: { address: "greeter", port: 8080 } })],
        inHandler: () => {
          if (thrown) throw thrown;
        },
      });
      await invoke(greetings, { timeoutMs: 5000 }).catch(() => {});
      const [server, client] = spans();
      expect(spans()).toHaveLength(2);
      const common = { "rpc.system.name": "grpc", "rpc.method": `greeter.v1.GreetingService/${method}` };
      const peer = { "network.peer.address": "127.0.0.1", "network.peer.port": expect.any(Number) };
      expect(client).toMatchObject({ name: common["rpc.method"], kind: SpanKind.CLIENT });
      expect(client?.attributes).toEqual({
        ...common,
        ...peer,
        "server.address": "greeter",
        "server.port": 8080,
        "rpc.status_code": code,
        ...(code !== "OK" && { "error.type": code }),
      });
      expect(client?.status.code).toBe(code === "OK" ? SpanStatusCode.UNSET : SpanStatusCode.ERROR);
      expect(server).toMatchObject({ name: common["rpc.method"], kind: SpanKind.SERVER });
      expect(server?.attributes).toEqual({
        ...common,
        ...peer,
        "client.address": "127.0.0.1",
        "rpc.status_code": code,
        ...(serverError && { "error.type": code }),
      });
      expect(server?.status.code).toBe(serverError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
      expect(server?.spanContext().traceId).toBe(client?.spanContext().traceId);
      expect(server?.parentSpanContext?.spanId).toBe(client?.spanContext().spanId);
      expect(JSON.stringify(spans().map(({ status, events }) => ({ status, events })))).not.toContain("canary");
    });
  }

  test(`a ${kind} call that its caller cancels has ended spans on both sides`, async () => {
    const spans = registerTracing();
    const abort = new AbortController();
    const left = Promise.withResolvers<void>();
    const { greetings } = await startGreeter({
      server: [() => ({ onEnd: () => left.resolve() }), tracing()],
      client: [tracing()],
      inHandler: async (call) => {
        abort.abort();
        await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
      },
    });
    await expect(invoke(greetings, { signal: abort.signal })).rejects.toMatchObject({ code: "CANCELLED" });
    await left.promise;
    expect(spans().map(({ attributes }) => attributes["rpc.status_code"])).toEqual(["CANCELLED", "CANCELLED"]);
  });
}

test("a call refused on its client has a span", async () => {
  const spans = registerTracing();
  const refuse = () => ({
    onStart() {
      throw new StatusError("RESOURCE_EXHAUSTED", "no");
    },
  });
  const { greetings } = await startGreeter({ client: [tracing(), refuse] });
  await greetings.greet({}).catch(() => {});
  expect(spans().map(({ attributes }) => attributes["rpc.status_code"])).toEqual(["RESOURCE_EXHAUSTED"]);
});

test("58: calls of three services are one trace, and their lines name it", async () => {
  const spans = registerTracing();
  const { logger, lines } = recordLog();
  const server = [propagation(), tracing(), logging(logger)];
  const client = [tracing(), propagation()];
  const { greetings: back } = await startGreeter({ server, client });
  const { greetings: middle } = await startGreeter({ server, client, inHandler: () => back.greet({ name: "Ada" }) });
  const { greetings: front } = await startGreeter({ server, inHandler: () => middle.greet({ name: "Ada" }) });
  await front.greet({ name: "Ada" }, { metadata: createMetadata({ traceparent: TRACEPARENT, tracestate: "a=b" }) });
  expect(spans().map(({ kind }) => SpanKind[kind])).toEqual(["SERVER", "CLIENT", "SERVER", "CLIENT", "SERVER"]);
  const parents = spans().map(({ parentSpanContext }) => parentSpanContext?.spanId);
  const ids = spans().map((span) => span.spanContext().spanId);
  expect(parents).toEqual([...ids.slice(1), SPAN_ID]);
  expect(new Set(spans().map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE_ID]));
  expect(spans()[0]?.spanContext().traceState?.serialize()).toBe("a=b");
  const serverIds = spans().flatMap((span) => (span.kind === SpanKind.SERVER ? [span.spanContext().spanId] : []));
  expect(lines.map(({ facts }) => facts.span_id)).toEqual(serverIds);
  expect(lines.every(({ facts }) => facts.trace_id === TRACE_ID)).toBe(true);
});

test("the active span is the parent before what the metadata names, which then goes", async () => {
  registerTracing();
  const seen: unknown[] = [];
  const { greetings } = await startGreeter({
    client: [tracing()],
    inHandler: ({ requestMetadata }) =>
      void seen.push(requestMetadata.get("traceparent"), requestMetadata.get("tracestate")),
  });
  const span = trace.getTracer("test").startSpan("work");
  const metadata = createMetadata({ traceparent: TRACEPARENT, tracestate: "a=b" });
  await context.with(trace.setSpan(context.active(), span), () => greetings.greet({}, { metadata }));
  expect(seen).toEqual([[expect.stringContaining(span.spanContext().traceId)], []]);
});

test("without an active span a client continues the trace that its metadata names", async () => {
  const spans = registerTracing();
  const { greetings } = await startGreeter({ client: [tracing()] });
  await greetings.greet({}, { metadata: createMetadata({ traceparent: TRACEPARENT }) });
  expect(spans()[0]?.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
});

test("the server's span is active in handlers of all kinds, and not in detached work", async () => {
  const spans = registerTracing();
  const active: (string | undefined)[] = [];
  const { greetings } = await startGreeter({
    server: [propagation(), tracing()],
    inHandler: () => {
      active.push(trace.getActiveSpan()?.spanContext().spanId);
      detached(() => active.push(trace.getActiveSpan()?.spanContext().spanId));
    },
  });
  for (const { invoke } of KINDS) await invoke(greetings);
  expect(active).toEqual(spans().flatMap((span) => [span.spanContext().spanId, undefined]));
});

test("58: an attempt that is not the first says so on the server's span", async () => {
  const spans = registerTracing();
  let attempts = 0;
  const { greetings } = await startGreeter({
    over: "port",
    server: [tracing()],
    client: [tracing()],
    inHandler: () => {
      attempts += 1;
      if (attempts < 3) throw new StatusError("UNAVAILABLE", "try again");
    },
  });
  await greetings.greet({}, { timeoutMs: 10_000 });
  const [first, second, third, client] = spans();
  expect([first, second, third].map((span) => span?.attributes["previous-rpc-attempts"])).toEqual([undefined, 1, 2]);
  expect([first, second, third].map((span) => span?.parentSpanContext?.spanId)).toEqual(
    Array(3).fill(client?.spanContext().spanId),
  );
  expect(client?.attributes["rpc.status_code"]).toBe("OK");
});

test("a span of a method that nobody serves bears no stranger's name", async () => {
  const spans = registerTracing();
  const { target } = await startGreeter({ server: [tracing()] });
  const renamed = { ...greeterv1.GreetingService, typeName: "invented.v1.Service" };
  const methods = greeterv1.GreetingService.methods.map((method) => ({ ...method, parent: renamed }));
  const client = createClient({ ...renamed, methods } as never, { target }) as never as {
    greet(request: object): Promise<unknown>;
  };
  await expect(client.greet({})).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
  expect(spans()[0]).toMatchObject({
    name: "grpc",
    attributes: { "rpc.method": "_OTHER", "rpc.method_original": "invented.v1.Service/Greet" },
  });
});

test("a trace that is not sampled goes on as such, and its lines name it", async () => {
  const spans = registerTracing(new AlwaysOffSampler());
  const { logger, lines } = recordLog();
  let seen: unknown;
  const { greetings: back } = await startGreeter({
    client: [tracing(), propagation()],
    inHandler: ({ requestMetadata }) => {
      seen = requestMetadata.get("traceparent")[0];
    },
  });
  const { greetings } = await startGreeter({
    server: [propagation(), tracing(), logging(logger)],
    inHandler: () => back.greet({}),
  });
  await greetings.greet({}, { metadata: createMetadata({ traceparent: TRACEPARENT }) });
  expect(spans()).toEqual([]);
  expect(seen).toMatch(new RegExp(`^00-${TRACE_ID}-[\\da-f]{16}-00$`));
  expect(lines[0]?.facts.trace_id).toBe(TRACE_ID);
});

for (const traceparent of ["", "00-0-0-00", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`, "x".repeat(5000)]) {
  test(`a traceparent of ${JSON.stringify(traceparent.slice(0, 20))} begins a new trace`, async () => {
    const spans = registerTracing();
    const { greetings } = await startGreeter({ server: [tracing()] });
    await greetings.greet({}, { metadata: createMetadata({ traceparent }) });
    expect(spans()[0]?.parentSpanContext).toBeUndefined();
  });
}

test("without an SDK nothing happens, and the trace context goes on as it came", async () => {
  let seen: unknown[] = [];
  const { greetings: back } = await startGreeter({
    client: [tracing(), propagation()],
    inHandler: ({ requestMetadata }) => {
      seen = [requestMetadata.get("traceparent")[0], requestMetadata.get("tracestate")[0]];
    },
  });
  const { greetings } = await startGreeter({ server: [propagation(), tracing()], inHandler: () => back.greet({}) });
  await greetings.greet({}, { metadata: createMetadata({ traceparent: TRACEPARENT, tracestate: "a=b" }) });
  expect(seen).toEqual([TRACEPARENT, "a=b"]);
  expect(tracing()({ side: "server" } as never)).toEqual({});
});
