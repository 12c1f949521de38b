import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ServiceConfig } from "./process-config.ts";

export interface ReplicaSecretOptions {
  config: Pick<ServiceConfig, "SERVICE_KEY_FILE">;
  /** The service's name: services never share a secret. */
  name: string;
}

/**
 * A service's secret for page tokens and for fingerprints of requests: outside the database, and the same for all
 * replicas, since it comes from the service's private key. Without SERVICE_KEY_FILE it is random, which suits a single
 * process: a page token then does not outlive it. Call it after `createAuth`, which tells what is wrong with the file.
 */
export function readReplicaSecret({ config, name }: ReplicaSecretOptions): Uint8Array {
  if (config.SERVICE_KEY_FILE === undefined) return randomBytes(32);
  const { d } = JSON.parse(readFileSync(config.SERVICE_KEY_FILE, "utf8")) as { d: string };
  return createHmac("sha256", Buffer.from(d, "base64url")).update(`tenon.${name}:secret`).digest();
}
