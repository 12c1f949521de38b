import { createPrivateKey, createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { StartError } from "@tenon/errors";
import { calculateJwkThumbprint, type JWK } from "jose";
import type { SigningKey } from "./key-ring.ts";

/**
 * Signing keys from a file: a JWK, or a JWK set, of Ed25519. The first private key signs; all are published. To rotate,
 * put the new key second, later first, and take the old one out when its tokens have run out.
 * Rejects with a StartError, which says nothing of the content.
 */
export async function readKeyFile(path: string): Promise<SigningKey[]> {
  const refuse = (why: string) => new StartError(`SIGNING_KEY_FILE: ${path} ${why}`);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw refuse(`cannot be read (${error.code})`);
  });
  const jwks = toList(text);
  if (!jwks) throw refuse("holds neither a JWK nor a JWK set");
  const keys = await Promise.all(jwks.map(toSigningKey)).catch(() => {
    throw refuse("holds a key that is no Ed25519 JWK");
  });
  const first = keys.findIndex(({ privateKey }) => privateKey !== undefined);
  if (first < 0) throw refuse("holds no private key");
  return keys.map((key, index) => ({ ...key, signsFrom: index === first ? new Date(0) : null }));
}

function toList(text: string): JWK[] | undefined {
  try {
    const value = JSON.parse(text);
    if (Array.isArray(value?.keys)) return value.keys;
    return typeof value?.kty === "string" ? [value] : undefined;
  } catch {
    return undefined;
  }
}

/** Rejects where the JWK is no Ed25519 key. A key without an id is named by its thumbprint (RFC 7638). */
export async function toSigningKey(jwk: JWK): Promise<Omit<SigningKey, "signsFrom">> {
  if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519") throw new Error("not an Ed25519 key");
  const privateKey = typeof jwk.d === "string" ? createPrivateKey({ key: jwk, format: "jwk" }) : undefined;
  // Of a private key the public half is computed, so that the two cannot disagree.
  const { x } = (privateKey ? createPublicKey(privateKey) : createPublicKey({ key: jwk, format: "jwk" })).export({
    format: "jwk",
  });
  if (x === undefined) throw new Error("a key without a public point");
  const kid = jwk.kid ?? (await calculateJwkThumbprint({ kty: "OKP", crv: "Ed25519", x }));
  return { kid, x, ...(privateKey && { privateKey }) };
}
