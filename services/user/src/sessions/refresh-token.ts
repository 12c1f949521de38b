import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/**
 * A refresh token: which session it is of, its secret, and a seal that shows that it was issued for that session. So a
 * used token is told from one that somebody made up: only the first may end the session, or knowing a session's id
 * would be enough to end it.
 */
export interface RefreshToken {
  readonly sessionId: string;
  readonly secret: Buffer;
  readonly seal: Buffer;
}

export const SECRET_BYTES = 32;
const ID_BYTES = 16;
const SEAL_BYTES = 32;
const TOKEN = /^[\w-]{107}$/; // 80 bytes as base64url

/** The token of a session with this secret. `key` is the session's own and never leaves the storage. */
export const sealRefreshToken = (sessionId: string, secret: Buffer, key: Buffer): RefreshToken => ({
  sessionId,
  secret,
  seal: mac(key, "issued", secret),
});

/** The one successor of a token: the same whenever it is asked for, and known to nobody without the session's key. */
export const succeedRefreshToken = ({ sessionId, secret }: RefreshToken, key: Buffer): RefreshToken =>
  sealRefreshToken(sessionId, mac(key, "next", secret), key);

export const isIssued = ({ secret, seal }: RefreshToken, key: Buffer): boolean =>
  timingSafeEqual(seal, mac(key, "issued", secret));

/** What is stored of a token. The secret has 256 bits of chance, so that a plain hash cannot be searched. */
export const hashRefreshToken = ({ secret }: RefreshToken): Buffer => createHash("sha256").update(secret).digest();

export const writeRefreshToken = ({ sessionId, secret, seal }: RefreshToken): string =>
  Buffer.concat([Buffer.from(sessionId.replaceAll("-", ""), "hex"), secret, seal]).toString("base64url");

/** Undefined where the text cannot be a token of ours. */
export function readRefreshToken(text: string): RefreshToken | undefined {
  if (!TOKEN.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  const hex = bytes.toString("hex", 0, ID_BYTES);
  return {
    sessionId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    secret: bytes.subarray(ID_BYTES, ID_BYTES + SECRET_BYTES),
    seal: bytes.subarray(ID_BYTES + SECRET_BYTES, ID_BYTES + SECRET_BYTES + SEAL_BYTES),
  };
}

const mac = (key: Buffer, purpose: string, secret: Buffer): Buffer =>
  createHmac("sha256", key).update(purpose).update(secret).digest();
