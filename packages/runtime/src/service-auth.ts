import type { ServiceConfig } from "./process-config.ts";

export interface ServiceAuthOptions {
  config: Pick<ServiceConfig, "SERVICE_KEY_FILE" | "SERVICE_JWKS_FILE" | "REFLECTION">;
  /** The service that this process is: what tokens sent to it are for, and who its own tokens say it is. */
  name: string;
  /** The public keys of users' tokens, such as the answer of KeyService.ListKeys. Without it no user token is valid. */
  fetchKeys?: (signal: AbortSignal) => Promise<{ readonly keys: readonly object[] }>;
}

/** How a service knows its callers, and how it proves itself to those that it calls. */
export interface ServiceAuth {
  readonly name: string;
}

/** Reads the key files. Throws a StartError that names the variable where one cannot be used. */
export declare function createAuth(options: ServiceAuthOptions): ServiceAuth;
