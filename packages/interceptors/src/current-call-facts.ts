import { currentCall } from "./current-call.ts";
import { requestIdOf } from "./request-id.ts";
import { traceFacts } from "./trace-context.ts";

/**
 * By which a line written inside a call is found with that call's own: `request_id`, `trace_id` and `span_id`, as the access log has
 * them. For a logger: `createLogger({ name, facts: currentCallFacts })`. Nothing outside of calls, and nothing for a line
 * that names its request itself, as the interceptors' lines do.
 */
export function currentCallFacts(line: object = {}): object | undefined {
  const call = currentCall();
  if (call === undefined || "request_id" in line) return undefined;
  const requestId = requestIdOf(call);
  return { ...(requestId !== "" && { request_id: requestId }), ...traceFacts(call) };
}
