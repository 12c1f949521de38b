import { randomUUID } from "node:crypto";
import { trace } from "@opentelemetry/api";
import { isRequestId, type TraceFacts } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { type HandleRequest, type HttpRequest, type HttpResponse, isWhole, type WholeBody } from "@tenon/transcoding";
import { Histogram, type Registry } from "prom-client";

export interface RequestLogOptions {
  logger: Logger;
  registry: Registry;
  newRequestId?: () => string;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Tells of requests in the log and in metrics. */
export interface RequestLog {
  logged(handle: HandleRequest): HandleRequest;
  /** For what is no answer of a handle: a WebSocket. */
  begin(request: HttpRequest): { request: HttpRequest; requestId: string; onEnd(end: RequestEnd): void };
}

type RequestEnd = Pick<HttpResponse, "route" | "status" | "error">;

/**
 * Gives each request an id, by which the logs of all services tell of it and which its answer names; and at its end one
 * line and one count, by route: neither ids nor what strangers make up become labels. A stream ends with its last part.
 */
export function requestLog({ logger, registry, newRequestId = randomUUID }: RequestLogOptions): RequestLog {
  const durations = new Histogram({
    name: "http_server_request_duration_seconds",
    help: "Time from the start of a request to the end of its answer.",
    labelNames: ["http_request_method", "http_route", "http_response_status_code"] as const,
    buckets: BUCKETS,
    registers: [registry],
  });

  const begin: RequestLog["begin"] = (request) => {
    const startedMs = performance.now();
    const given = request.headers["x-request-id"];
    const requestId = isRequestId(given) ? given : newRequestId();
    const traced = traceOf(request);
    const onEnd = ({ route: found, status, error }: RequestEnd) => {
      const ms = performance.now() - startedMs;
      const method = METHODS.includes(request.method) ? request.method : "_OTHER";
      const route = found?.template.text ?? "";
      durations.observe(
        { http_request_method: method, http_route: route, http_response_status_code: status },
        ms / 1000,
      );
      const facts = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        request_id: requestId,
        ...traced,
        "http.time_ms": Math.round(ms * 1000) / 1000,
        ...(status >= 500 && error !== undefined && { err: error }),
      };
      logger[status >= 500 ? "warn" : "info"](facts, "finished request");
    };
    return { request: { ...request, headers: { ...request.headers, "x-request-id": requestId } }, requestId, onEnd };
  };

  return {
    begin,
    logged: (handle) => async (asked) => {
      const { request, requestId, onEnd } = begin(asked);
      const response = await handle(request);
      const { body } = response;
      const headers: HttpResponse["headers"] = { ...response.headers, "x-request-id": requestId };
      if (!isWhole(body)) return { ...response, headers, body: untilEnd(body, () => onEnd(response)) };
      onEnd(response);
      return { ...response, headers };
    },
  };
}

/** Of the span that is active; without an SDK the trace that the client named; else nothing. */
function traceOf({ headers }: HttpRequest): TraceFacts {
  const span = trace.getActiveSpan()?.spanContext();
  if (span !== undefined) return { trace_id: span.traceId, span_id: span.spanId };
  const [, traceId] = /^[\da-f]{2}-([\da-f]{32})-/.exec(String(headers.traceparent)) ?? [];
  return traceId === undefined ? {} : { trace_id: traceId };
}

async function* untilEnd(parts: AsyncIterable<WholeBody>, finish: () => void): AsyncGenerator<WholeBody> {
  try {
    yield* parts;
  } finally {
    finish();
  }
}
