import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { registerTracing } from "./telemetry-fixture.ts";
import { currentTraceParent, inTraceOf, tracedWork, traceIdOf } from "./traced-work.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

test("work goes on with the trace of whoever asked for it", async () => {
  const spans = registerTracing();
  const inside = await tracedWork(
    { name: "settle", traceParent: PARENT, attributes: { "order.state": "PENDING" } },
    () => Promise.resolve(currentTraceParent()),
  );
  const [span] = spans();
  expect(span).toMatchObject({ name: "settle", attributes: { "order.state": "PENDING" } });
  expect(span?.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
  expect(inside).toBe(`00-${TRACE}-${span?.spanContext().spanId}-01`);
});

test("work that nobody asked for begins a trace", async () => {
  const spans = registerTracing();
  const outer = trace.getTracer("test").startSpan("somebody else's");
  await context.with(trace.setSpan(context.active(), outer), () => tracedWork({ name: "sweep" }, async () => {}));
  expect(spans()[0]?.parentSpanContext).toBeUndefined();
});

test("the span that brought the work is linked, and its kind is told", async () => {
  const spans = registerTracing();
  const brought = `00-${TRACE}-1111111111111111-01`;
  await inTraceOf(brought, () =>
    tracedWork({ name: "process", kind: "consumer", traceParent: PARENT }, async () => {}),
  );
  const [span] = spans();
  expect(span?.kind).toBe(SpanKind.CONSUMER);
  expect(span?.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
  expect(span?.links).toMatchObject([{ context: { traceId: TRACE, spanId: "1111111111111111" } }]);
});

test("the id of a trace is told of a traceparent alone", () => {
  expect([PARENT, "rubbish", "", undefined].map(traceIdOf)).toEqual([TRACE, undefined, undefined, undefined]);
});

test("work that fails is marked, without words that could hold data", async () => {
  const spans = registerTracing();
  const failing = tracedWork({ name: "settle" }, () => Promise.reject(new TypeError("card 4242")));
  await expect(failing).rejects.toThrow("card 4242");
  expect(spans()[0]?.status).toEqual({ code: SpanStatusCode.ERROR, message: "TypeError" });
});

test("what is kept as a trace and is none begins one", async () => {
  const spans = registerTracing();
  await tracedWork({ name: "settle", traceParent: "rubbish" }, async () => {});
  expect(spans()[0]?.parentSpanContext).toBeUndefined();
});

test("without an SDK there is the work alone, and no trace", async () => {
  expect(await tracedWork({ name: "settle", traceParent: PARENT }, async () => "done")).toBe("done");
  expect(currentTraceParent()).toBeUndefined();
});
