import { randomUUID } from "node:crypto";
import { isRequestId } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { type HandleRequest, type HttpResponse, isWhole, type WholeBody } from "@tenon/transcoding";
import { Histogram, type Registry } from "prom-client";

export interface RequestLogOptions {
  logger: Logger;
  registry: Registry;
  newRequestId?: () => string;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Gives each request an id, by which the logs of all services tell of it and which its answer names; and at its end one
 * line and one count, by route: neither ids nor what strangers make up become labels. A stream ends with its last part.
 */
export function requestLog({
  logger,
  registry,
  newRequestId = randomUUID,
}: RequestLogOptions): (handle: HandleRequest) => HandleRequest {
  const durations = new Histogram({
    name: "http_server_request_duration_seconds",
    help: "Time from the start of a request to the end of its answer.",
    labelNames: ["http_request_method", "http_route", "http_response_status_code"] as const,
    buckets: BUCKETS,
    registers: [registry],
  });

  return (handle) => async (request) => {
    const startedMs = performance.now();
    const given = request.headers["x-request-id"];
    const requestId = isRequestId(given) ? given : newRequestId();
    const response = await handle({ ...request, headers: { ...request.headers, "x-request-id": requestId } });
    const { body } = response;
    const headers: HttpResponse["headers"] = { ...response.headers, "x-request-id": requestId };

    const finish = () => {
      const ms = performance.now() - startedMs;
      const method = METHODS.includes(request.method) ? request.method : "_OTHER";
      const route = response.route?.template.text ?? "";
      durations.observe(
        { http_request_method: method, http_route: route, http_response_status_code: response.status },
        ms / 1000,
      );
      const facts = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": response.status,
        request_id: requestId,
        "http.time_ms": Math.round(ms * 1000) / 1000,
        ...(response.status >= 500 && response.error !== undefined && { err: response.error }),
      };
      logger[response.status >= 500 ? "warn" : "info"](facts, "finished request");
    };

    if (!isWhole(body)) return { ...response, headers, body: untilEnd(body, finish) };
    finish();
    return { ...response, headers };
  };
}

async function* untilEnd(parts: AsyncIterable<WholeBody>, finish: () => void): AsyncGenerator<WholeBody> {
  try {
    yield* parts;
  } finally {
    finish();
  }
}
