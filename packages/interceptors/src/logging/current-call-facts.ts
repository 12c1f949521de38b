import { currentCall } from "../current-call.ts";
import { requestIdOf } from "../request-id.ts";
import { traceFacts } from "../telemetry/trace-context.ts";
import { activeSpanContext } from "../telemetry/traced-work.ts";

/**
 * By which a line written inside a call is found with that call's own: `request_id`, `trace_id` and `span_id`, as the access log has
 * them. For a logger: `createLogger({ name, facts: currentCallFacts })`. In the work of `tracedWork` it is that span's; else
 * nothing outside of calls, and nothing for a line that names its request itself, as the interceptors' lines do.
 */
export function currentCallFacts(line: object = {}): object | undefined {
  if ("request_id" in line) return undefined;
  const call = currentCall();
  const span = activeSpanContext();
  if (call === undefined && span === undefined) return undefined;
  const requestId = call && requestIdOf(call);
  return {
    ...(requestId && { request_id: requestId }),
    ...(call && traceFacts(call)),
    ...(span && { trace_id: span.traceId, span_id: span.spanId }),
  };
}
