import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * The secret for page tokens and for fingerprints of requests. It must lie outside the database, since a fingerprint
 * covers a password, and be the same for all replicas: so it comes from the service's private key. Without one it is
 * random, which suits a single process: a page token then does not outlive it.
 */
export function readServiceSecret(keyFile: string | undefined): Uint8Array {
  if (keyFile === undefined) return randomBytes(32);
  // createAuth has read the same file before, and told what is wrong with it.
  const { d } = JSON.parse(readFileSync(keyFile, "utf8")) as { d: string };
  return createHmac("sha256", Buffer.from(d, "base64url")).update("tenon.user:secret").digest();
}
