import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { type HandleRequest, isWhole, type WholeBody } from "@tenon/transcoding";

/**
 * A span for each request, by OpenTelemetry's conventions for HTTP: it continues the client's trace, and the calls that
 * are made for the request belong to it. Neither path nor query are told, which hold ids and search terms: the route is.
 * Without an SDK it does nothing.
 */
export function requestTracing(handle: HandleRequest): HandleRequest {
  return async (request) => {
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const span = trace.getTracer("@tenon/gateway").startSpan("HTTP", { kind: SpanKind.SERVER }, parent);
    if (!span.isRecording()) return handle(request);
    const active = trace.setSpan(parent, span);
    const response = await context.with(active, () => handle(request));
    const route = response.route?.template.text;
    if (route !== undefined) span.updateName(`${request.method} ${route}`).setAttributes({ "http.route": route });
    span.setAttribute("http.request.method", route === undefined ? "_OTHER" : request.method);
    span.setAttribute("http.response.status_code", response.status);
    if (response.status >= 500) {
      span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", String(response.status));
    }
    const { body } = response;
    if (!isWhole(body)) return { ...response, body: inside(active, span, body) };
    span.end();
    return response;
  };
}

/** Each part of a stream is made inside the span, which ends with the last one. */
async function* inside(active: Context, span: Span, parts: AsyncIterable<WholeBody>): AsyncGenerator<WholeBody> {
  const iterator = parts[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await context.with(active, () => iterator.next());
      if (done) return;
      yield value;
    }
  } finally {
    span.end();
    await context.with(active, async () => iterator.return?.());
  }
}
