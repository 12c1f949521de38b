import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";

/**
 * A service in grpc-js's own terms, for what comes from a package in that form: health, reflection. It runs through the
 * server's interceptors as every service does, but its methods have no `desc`, so that no option is read from them.
 */
export interface NativeService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}
