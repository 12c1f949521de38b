import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A span as OTLP has it in JSON, as far as tests look at it. */
export interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: { key: string; value: { stringValue?: string; intValue?: number | string } }[];
  links?: { traceId: string; spanId: string }[];
}

export interface OtlpReceiver extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT, with the protocol http/json. */
  readonly endpoint: string;
  readonly spans: readonly SentSpan[];
  /** Names of the metrics that came. */
  readonly metrics: ReadonlySet<string>;
  /** `service.name` of all that came. */
  readonly services: ReadonlySet<string>;
  /** Everything that came, as it came. */
  readonly bodies: readonly string[];
}

export interface OtlpReceiverOptions {
  /** Takes everything that comes; then nothing is kept. */
  onBody?: (body: string) => void;
}

/** A collector that keeps what it is sent, by OTLP over HTTP. */
export async function startOtlpReceiver({ onBody }: OtlpReceiverOptions = {}): Promise<OtlpReceiver> {
  const spans: SentSpan[] = [];
  const metrics = new Set<string>();
  const services = new Set<string>();
  const bodies: string[] = [];

  async function receive(request: IncomingMessage): Promise<void> {
    // biome-ignore lint/suspicious/noExplicitAny: a message of many shapes, of which a few fields are read
    const sent = (await json(request)) as any;
    if (onBody) return onBody(JSON.stringify(sent));
    bodies.push(JSON.stringify(sent));
    for (const { resource, scopeSpans, scopeMetrics } of [
      ...(sent.resourceSpans ?? []),
      ...(sent.resourceMetrics ?? []),
    ]) {
      for (const { key, value } of resource.attributes) if (key === "service.name") services.add(value.stringValue);
      for (const scope of scopeSpans ?? []) spans.push(...scope.spans);
      for (const scope of scopeMetrics ?? []) for (const { name } of scope.metrics) metrics.add(name);
    }
  }
  const server = createServer((request, response) => {
    receive(request).then(
      () => response.setHeader("content-type", "application/json").end("{}"),
      () => response.writeHead(400).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ spans, metrics, services, bodies },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The string or number under a key. */
export const attribute = (span: SentSpan, key: string): string | number | undefined => {
  const value = span.attributes.find((each) => each.key === key)?.value;
  return value?.stringValue ?? value?.intValue;
};
