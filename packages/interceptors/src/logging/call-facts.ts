import type { Call } from "@tenon/grpc";
import { createIsoTime } from "@tenon/logger";
import { clientAddressKey } from "../client-address.ts";
import { type Principal, principalOf } from "../identity/principal.ts";
import { isRequestId, REQUEST_ID_HEADER, requestIdOf } from "../request-id.ts";
import { traceFacts } from "../telemetry/trace-context.ts";

/** What tells one call from another in log lines; what it has not is undefined, and so not in the line. */
export function callFacts(call: Call) {
  const { values } = call;
  const principal = principalOf(call);
  return {
    "grpc.request.deadline": toInstant(call.deadline),
    "client.address": values.get(clientAddressKey) || undefined,
    request_id: requestIdOf(call) || sentRequestId(call),
    ...traceFacts(call),
    principal: principal.kind === "anonymous" ? undefined : principalName(principal),
  };
}

const principalName = (principal: Exclude<Principal, { kind: "anonymous" }>): string =>
  principal.kind === "user" ? `user:${principal.id}` : `service:${principal.name}`;

/** That of a client, which `propagation` has sent. */
function sentRequestId({ requestMetadata }: Call): string | undefined {
  const [value] = requestMetadata.get(REQUEST_ID_HEADER);
  return isRequestId(value) ? value : undefined;
}

/** Callers may name instants that no calendar has. */
const toInstant = (epochMs: number): string | undefined =>
  Math.abs(epochMs) <= 8.64e15 ? toDeadlineTime(epochMs) : undefined;

const toDeadlineTime = createIsoTime();
