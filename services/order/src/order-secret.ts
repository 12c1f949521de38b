import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * The secret for page tokens and for fingerprints of requests. It lies outside the database and is the same for all
 * replicas, since it comes from the service's private key. Without one it is random, which suits a single process: a page
 * token then does not outlive it.
 */
export function readOrderSecret(keyFile: string | undefined): Uint8Array {
  if (keyFile === undefined) return randomBytes(32);
  // createAuth has read the same file before, and told what is wrong with it.
  const { d } = JSON.parse(readFileSync(keyFile, "utf8")) as { d: string };
  return createHmac("sha256", Buffer.from(d, "base64url")).update("tenon.order:secret").digest();
}
