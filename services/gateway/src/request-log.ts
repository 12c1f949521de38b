import { randomUUID } from "node:crypto";
import { trace } from "@opentelemetry/api";
import { isRequestId, type TraceFacts } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import {
  codeOf,
  type HandleRequest,
  HTTP_STATUS,
  type HttpRequest,
  type HttpResponse,
  isWhole,
  type WholeBody,
} from "@tenon/transcoding";
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

/** What is known of a request at its end. */
export type RequestEnd = Pick<HttpResponse, "route" | "status" | "outcome">;

/**
 * Gives each request an id, by which the logs of all services tell of it and which its answer names; and at its end one
 * line and one count, by route: neither ids nor what strangers make up become labels. A stream ends with its last part. The
 * error is the gRPC code that the client was told, also where HTTP said 200 before it was known, as in streams and gRPC-Web.
 */
export function requestLog({ logger, registry, newRequestId = randomUUID }: RequestLogOptions): RequestLog {
  const durations = new Histogram({
    name: "http_server_request_duration_seconds",
    help: "Time from the start of a request to the end of its answer.",
    labelNames: ["http_request_method", "http_route", "http_response_status_code", "error_type"] as const,
    buckets: BUCKETS,
    registers: [registry],
  });

  const begin: RequestLog["begin"] = (request) => {
    const startedMs = performance.now();
    const given = request.headers["x-request-id"];
    const requestId = isRequestId(given) ? given : newRequestId();
    const traced = traceOf(request);
    const onEnd = ({ route: found, status, outcome: { error } = {} }: RequestEnd) => {
      const ms = performance.now() - startedMs;
      const method = METHODS.includes(request.method) ? request.method : "_OTHER";
      const route = found?.template.text ?? "";
      const code = error === undefined ? undefined : codeOf(error);
      const failed = status >= 500 || (code !== undefined && HTTP_STATUS[code] >= 500);
      durations.observe(
        {
          http_request_method: method,
          http_route: route,
          http_response_status_code: status,
          error_type: code ?? "",
        },
        ms / 1000,
      );
      const facts = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        ...(code !== undefined && { "error.type": code }),
        request_id: requestId,
        ...traced,
        "http.time_ms": Math.round(ms * 1000) / 1000,
        ...(failed && error !== undefined && { err: error }),
      };
      logger[failed ? "warn" : "info"](facts, "finished request");
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
