import { StatusError } from "@tenon/errors";
import { type CallStatus, type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import { Counter, type Registry } from "prom-client";
import { callFacts } from "./logging/call-facts.ts";
import { perMethod } from "./per-method.ts";
import { createLabels, METHOD_LABELS } from "./telemetry/method-labels.ts";

export interface RecoveryOptions {
  /** Where `grpc_server_unexpected_errors_total` counts. */
  registry?: Registry;
  /** What is served or called without a descriptor; errors of others are counted under one name. */
  methods?: readonly Method[];
}

/**
 * Tells of errors that nobody meant to tell a caller: whatever was thrown and is no StatusError (Go would call it a
 * panic), or came from another service and was not translated. One line with the stack, one count. The status stays as
 * the bridge made it: INTERNAL, without a word of the error. On a client it does nothing: there the caller has the error.
 */
export function recovery(logger: Logger, { registry, methods = [] }: RecoveryOptions = {}): Interceptor {
  const counter = registry && unexpectedErrors(registry);
  const labelsOf = perMethod(createLabels(methods));
  return function recovery(call) {
    if (call.side === "client") return NO_HOOKS;
    return {
      onEnd(status) {
        if (!isUnexpected(status)) return;
        counter?.inc({ ...labelsOf(call.method) });
        const { service, name } = call.method;
        const facts = { "grpc.service": service, "grpc.method": name, ...callFacts(call), err: status.error };
        logger.error(facts, "unexpected error");
      },
    };
  };
}

/** A remote error ends as INTERNAL only where no code of ours said what it means to our caller. */
function isUnexpected({ code, error }: CallStatus): boolean {
  if (error === undefined) return false;
  return !(error instanceof StatusError) || (error.remote && code === "INTERNAL");
}

function unexpectedErrors(registry: Registry): Counter<(typeof METHOD_LABELS)[number]> {
  const name = "grpc_server_unexpected_errors_total";
  const registered = registry.getSingleMetric(name);
  if (registered instanceof Counter) return registered;
  return new Counter({
    name,
    help: "Errors that ended calls and were not meant for a caller.",
    labelNames: METHOD_LABELS,
    registers: [registry],
  });
}
