import type { EventEmitter } from "node:events";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { type Code, toCodeNumber } from "@tenon/errors";

/**
 * A service in grpc-js's own terms, for what comes from a package in that form: health, reflection. It runs through the
 * server's interceptors as every service does, but its methods have no `desc`, so that no option is read from them.
 */
export interface NativeService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** Ends a streaming call of a native service: grpc-js takes the status from an 'error'. What was written goes out before. */
export const endWith = (stream: EventEmitter, code: Code, details: string): void =>
  void stream.emit("error", Object.assign(new Error(details), { code: toCodeNumber(code), details }));
