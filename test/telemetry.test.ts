import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findNatsServer, freePorts } from "@tenon/testing";
import { expect, test } from "vitest";
import { restAt, startFreshPlatform } from "./fresh-platform.ts";
import { attribute, type SentSpan, startOtlpReceiver } from "./otlp-receiver.ts";
import { superviseNats } from "./processes/nats-process.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
/** Kinds of spans, as OTLP counts them. */
const PRODUCER = 4;
const CONSUMER = 5;
const natsServer = findNatsServer();
const EXIT = { timeoutMs: 20_000 };

/** Nothing is sent before the end, so that what comes was flushed. */
const exporting = (endpoint: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_BSP_SCHEDULE_DELAY: "600000",
  OTEL_METRIC_EXPORT_INTERVAL: "600000",
});

/** A WebSocket from its upgrade to its close. */
async function chat(port: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/greetings:chat`);
  socket.onopen = () => socket.send("");
  const [{ code }] = await once(socket, "close", { signal: AbortSignal.timeout(10_000) });
  expect(code).toBe(1000);
}

/** What a span is: who is called, and from which side. */
const nameOf = ({ name, kind }: SentSpan) => `${name}${kind === 3 ? " >" : ""}`;

test("58: one trace goes from the gateway through order and payment to the processor, and is sent at shutdown", async () => {
  await using collector = await startOtlpReceiver();
  await using platform = await startFreshPlatform(exporting(collector.endpoint));
  const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
  await restAt(`http://127.0.0.1:${platform.ports.gateway}`).placeOrder({ traceparent });
  await chat(platform.ports.gateway);
  expect(collector.spans).toEqual([]);
  platform.process.kill("SIGTERM");
  expect(await platform.process.exit(EXIT)).toBe(0);

  const spans = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const path: string[] = [];
  let span = spans.find(({ name, kind }) => name === "processor.v1.ProcessorService/Authorize" && kind === 2);
  for (; span; span = byId.get(span.parentSpanId ?? "")) path.unshift(nameOf(span));
  expect(path).toEqual([
    "POST /v1/orders",
    "order.v1.OrderService/CreateOrder >",
    "order.v1.OrderService/CreateOrder",
    "drive order",
    "payment.v1.PaymentService/AuthorizePayment >",
    "payment.v1.PaymentService/AuthorizePayment",
    "processor.v1.ProcessorService/Authorize >",
    "processor.v1.ProcessorService/Authorize",
  ]);
  expect(spans.map(nameOf)).toContain("payment.v1.PaymentService/CapturePayment");
  const posted = spans.find(({ name }) => name === "POST /v1/orders") as SentSpan;
  expect(attribute(posted, "http.response.status_code")).toBe(200);
  const chatted = collector.spans.find((span) => span.name === "GET /v1/greetings:chat") as SentSpan;
  expect(attribute(chatted, "http.response.status_code")).toBe(101);
  const inside = collector.spans.filter(({ parentSpanId }) => parentSpanId === chatted.spanId);
  expect(inside.map(nameOf)).toEqual(["greeter.v1.GreetingService/ChatGreetings >"]);
  expect([...collector.services]).toEqual(["platform"]);
  expect([...collector.metrics].sort()).toEqual(["rpc.client.call.duration", "rpc.server.call.duration"]);
}, 180_000);

for (const [carrier, between] of [
  ["calls", ["events.v1.EventService/Deliver >", "events.v1.EventService/Deliver"]],
  ["NATS", []],
] as const) {
  const lacks = carrier === "NATS" && natsServer === undefined;
  test.skipIf(lacks)(
    `58: what is told by ${carrier} belongs to the trace that it was written in, and links lead back`,
    async () => {
      await using collector = await startOtlpReceiver();
      await using nats = carrier === "NATS" ? await startNats() : undefined;
      await using platform = await startFreshPlatform({
        ...exporting(collector.endpoint),
        ...(nats && { NATS_URL: nats.url }),
      });
      const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
      await restAt(`http://127.0.0.1:${platform.ports.gateway}`).placeOrder({ traceparent });
      await expect.poll(() => paymentsHeard(platform.adminPorts.order), { timeout: 20_000 }).toBeGreaterThan(0);
      platform.process.kill("SIGTERM");
      expect(await platform.process.exit(EXIT)).toBe(0);

      const spans = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
      const byId = new Map(spans.map((each) => [each.spanId, each]));
      const processed = spans.find(({ name }) => name === "process payment.v1.PaymentEvent");
      const way: string[] = [];
      let span = byId.get(processed?.links?.[0]?.spanId ?? "");
      for (; span && span.kind !== PRODUCER; span = byId.get(span.parentSpanId ?? "")) way.unshift(nameOf(span));
      expect(way).toEqual(between);
      expect(span?.name).toBe("publish payment.v1.PaymentEvent");
      expect(processed?.kind).toBe(CONSUMER);
      const written = byId.get(processed?.parentSpanId ?? "");
      expect(written?.name).toMatch(/^payment\.v1\.PaymentService\//);
      expect(span?.parentSpanId).toBe(written?.spanId);
    },
    90_000,
  );
}

/** How many events of payments took effect in order. */
async function paymentsHeard(adminPort: number): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { signal: AbortSignal.timeout(5000) });
  const [, count] =
    /^tenon_events_received_total\{type="payment\.v1\.PaymentEvent",outcome="applied"\} (\d+)/m.exec(
      await page.text(),
    ) ?? [];
  return Number(count);
}

/** A broker that ends with the test. */
async function startNats() {
  const directory = await mkdtemp(join(tmpdir(), "tenon-telemetry-"));
  const [port = 0] = await freePorts(1);
  const nats = superviseNats({
    ...{ program: natsServer ?? "", directory, port, logFile: join(directory, "nats.log") },
    ...{ isWiped: () => false, restartDelayMs: () => 100, onEvent: () => {} },
  });
  await nats.ready(20_000);
  return {
    url: nats.url,
    async [Symbol.asyncDispose]() {
      await nats.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

test("a collector that is down costs no call, and holds the end for no longer than 3 s", async () => {
  await using platform = await startFreshPlatform(exporting("http://127.0.0.1:9"));
  await restAt(`http://127.0.0.1:${platform.ports.gateway}`).placeOrder();
  const startedMs = performance.now();
  platform.process.kill("SIGTERM");
  expect(await platform.process.exit(EXIT)).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
}, 180_000);
