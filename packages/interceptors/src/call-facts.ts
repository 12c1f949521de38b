import type { Call } from "@tenon/grpc";
import { createIsoTime } from "@tenon/logger";
import { clientAddressKey } from "./client-address.ts";
import { type Principal, principalOf } from "./principal.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import { traceFacts } from "./trace-context.ts";

/** What tells one call from another in log lines, as far as it has it. */
export function callFacts(call: Call): Record<string, string> {
  const facts: Record<string, string> = {};
  const deadline = toInstant(call.deadline);
  if (deadline !== undefined) facts["grpc.request.deadline"] = deadline;
  const clientAddress = call.values.get(clientAddressKey);
  if (clientAddress !== "") facts["client.address"] = clientAddress;
  const requestId = requestIdOf(call) || sentRequestId(call);
  if (requestId !== "") facts.request_id = requestId;
  Object.assign(facts, traceFacts(call));
  const principal = principalOf(call);
  if (principal.kind !== "anonymous") facts.principal = principalName(principal);
  return facts;
}

const principalName = (principal: Exclude<Principal, { kind: "anonymous" }>): string =>
  principal.kind === "user" ? `user:${principal.id}` : `service:${principal.name}`;

/** That of a client, which `propagation` has sent. */
function sentRequestId({ requestMetadata }: Call): string {
  const [value] = requestMetadata.get(REQUEST_ID_HEADER);
  return typeof value === "string" ? value : "";
}

/** Callers may name instants that no calendar has. */
const toInstant = (epochMs: number): string | undefined =>
  Math.abs(epochMs) <= 8.64e15 ? toDeadlineTime(epochMs) : undefined;

const toDeadlineTime = createIsoTime();
