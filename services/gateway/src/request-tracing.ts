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
import { codeOf, type HandleRequest, HTTP_STATUS, type HttpRequest, isWhole, type WholeBody } from "@tenon/transcoding";
import type { RequestEnd } from "./request-log.ts";

/** The span of a request. */
export interface RequestSpan {
  /** Calls that are made inside belong to it. */
  run<T>(work: () => T): T;
  end(end: RequestEnd): void;
}

/**
 * A span for each request, by OpenTelemetry's conventions for HTTP: it continues the client's trace, and the calls that
 * are made for the request belong to it. It ends with the last part of a stream. Neither path nor query are told, which hold
 * ids and search terms: the route is. Without an SDK it does nothing.
 */
export function requestTracing(handle: HandleRequest): HandleRequest {
  return async (request) => {
    const span = beginSpan(request);
    if (span === undefined) return handle(request);
    const response = await span.run(() => handle(request));
    const { body } = response;
    if (!isWhole(body)) return { ...response, body: inside(span, body, () => span.end(response)) };
    span.end(response);
    return response;
  };
}

/** Undefined where nothing is recorded. */
export function beginSpan({ method, headers }: HttpRequest): RequestSpan | undefined {
  const parent = propagation.extract(ROOT_CONTEXT, headers);
  const span = trace.getTracer("@tenon/gateway").startSpan("HTTP", { kind: SpanKind.SERVER }, parent);
  if (!span.isRecording()) return undefined;
  const active: Context = trace.setSpan(parent, span);
  return {
    run: (work) => context.with(active, work),
    end(end) {
      describe(span, method, end);
      span.end();
    },
  };
}

function describe(span: Span, method: string, { route: found, status, outcome: { error } = {} }: RequestEnd): void {
  const route = found?.template.text;
  if (route !== undefined) span.updateName(`${method} ${route}`).setAttributes({ "http.route": route });
  span.setAttribute("http.request.method", route === undefined ? "_OTHER" : method);
  span.setAttribute("http.response.status_code", status);
  const code = error === undefined ? undefined : codeOf(error);
  if (status < 500 && (code === undefined || HTTP_STATUS[code] < 500)) return;
  span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", code ?? String(status));
}

/** Each part of a stream is made inside the span. */
async function* inside(
  { run }: RequestSpan,
  parts: AsyncIterable<WholeBody>,
  onEnd: () => void,
): AsyncGenerator<WholeBody> {
  const iterator = parts[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await run(() => iterator.next());
      if (done) return;
      yield value;
    }
  } finally {
    await run(async () => iterator.return?.());
    onEnd();
  }
}
