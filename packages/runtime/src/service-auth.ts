import { readFileSync } from "node:fs";
import { StartError } from "@tenon/errors";
import {
  createFileKeySource,
  createKeySource,
  createServiceTokens,
  createServiceTokenVerifier,
  createTokenVerifier,
  type KeySourceOptions,
  type ServiceTokens,
  type StandardClientOptions,
  type StandardServerOptions,
} from "@tenon/interceptors";
import type { ServiceConfig } from "./process-config.ts";

export interface ServiceAuthOptions {
  config: Pick<
    ServiceConfig,
    "SERVICE_KEY_FILE" | "SERVICE_JWKS_FILE" | "REFLECTION" | "TLS_CERT_FILE" | "TLS_CA_FILE" | "TLS_TRUST_DOMAIN"
  >;
  /** The service that this process is: what tokens sent to it are for, and who its own tokens say it is. */
  name: string;
  /** The public keys of users' tokens, such as the answer of KeyService.ListKeys. Without it no user token is accepted. */
  fetchKeys?: (signal: AbortSignal) => Promise<{ readonly keys: readonly object[] }>;
  now?: () => Date;
}

/** How a service knows its callers, and how it proves itself to those that it calls. */
export interface ServiceAuth {
  /** For `standardServer`. */
  readonly server: StandardServerOptions["auth"];
  /**
   * For `standardClient`: proof for the callee of this name; undefined where a certificate is proof already. Throws a
   * StartError where there is neither SERVICE_KEY_FILE nor TLS_CERT_FILE.
   */
  identityFor(callee: string): StandardClientOptions["identity"];
}

/** Who issues users' tokens, and whom they are meant for. */
export const USER_TOKENS = { issuer: "tenon-user", audience: "tenon" } as const;

/**
 * Users by their tokens, services by theirs. Reads the key files at once, and the public keys again as they change.
 * Throws a StartError that names the variable where a file cannot be used. Users' keys are fetched when first needed.
 */
export function createAuth({ config, name, fetchKeys, now = () => new Date() }: ServiceAuthOptions): ServiceAuth {
  const { SERVICE_KEY_FILE: keyFile, SERVICE_JWKS_FILE: jwksFile, REFLECTION } = config;
  if (jwksFile) assertKeySet(readJson("SERVICE_JWKS_FILE", jwksFile), jwksFile);
  const tokens = keyFile ? readTokens(keyFile) : undefined;

  function readTokens(path: string): ServiceTokens {
    const key = readJson("SERVICE_KEY_FILE", path);
    try {
      return createServiceTokens({ name, key: key as never, now });
    } catch (cause) {
      throw new StartError(`SERVICE_KEY_FILE: ${path} is not a private Ed25519 JWK`, { cause });
    }
  }

  const users =
    fetchKeys &&
    createTokenVerifier({
      keys: createKeySource({ fetch: fetchKeys as KeySourceOptions["fetch"], now }),
      ...USER_TOKENS,
      now,
    });
  const services =
    jwksFile && createServiceTokenVerifier({ keys: createFileKeySource({ path: jwksFile, now }), audience: name, now });
  return {
    server: {
      ...(users && { users }),
      ...(services && { services }),
      // Certificates are asked for and checked where there are roots to check them by.
      ...(config.TLS_CA_FILE && { spiffe: toSpiffe(config.TLS_TRUST_DOMAIN) }),
      // Where it is off there is nothing to guard, and UNIMPLEMENTED tells clients so better than a refusal.
      reflection: REFLECTION === "admin" ? "admin" : "public",
      now,
    },
    identityFor(callee) {
      if (tokens !== undefined) return { tokens, audience: callee };
      if (config.TLS_CERT_FILE) return undefined;
      throw new StartError(
        `neither SERVICE_KEY_FILE nor TLS_CERT_FILE is set, so that ${name} cannot prove itself to ${callee}`,
      );
    },
  };
}

function toSpiffe(domain: string): NonNullable<StandardServerOptions["auth"]["spiffe"]> {
  const [trustDomain = "", ...path] = domain.split("/");
  return { trustDomain, path: path.map((part) => `/${part}`).join("") };
}

function readJson(variable: string, path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    // Not the parser's words: they quote the file, which may hold a private key.
    const why =
      cause instanceof SyntaxError ? "is not JSON" : `cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new StartError(`${variable}: ${path} ${why}`);
  }
}

function assertKeySet(set: unknown, path: string): void {
  const { keys } = (set ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new StartError(`SERVICE_JWKS_FILE: ${path} is not a JSON Web Key Set`);
}
