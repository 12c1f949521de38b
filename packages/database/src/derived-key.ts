import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

/** Bytes of a secret below which it could be guessed. */
const SECRET_MIN_BYTES = 16;

/**
 * A key for one purpose, so that one secret of a service serves several without one telling of another. To be derived once: with
 * a KeyObject an HMAC takes a fraction of what it takes with bytes, of which one is made each time.
 */
export function deriveKey(secret: Uint8Array, purpose: string): KeyObject {
  if (secret.byteLength < SECRET_MIN_BYTES) throw new TypeError(`a secret has at least ${SECRET_MIN_BYTES} bytes`);
  return createSecretKey(createHmac("sha256", secret).update(`tenon.database:${purpose}`).digest());
}
