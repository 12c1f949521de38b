import { type CryptoKey, type JWK, type JWTPayload, type KeyObject, SignJWT } from "jose";
import type { UserPrincipal } from "./principal.ts";

export interface AccessTokenOptions {
  user: Omit<UserPrincipal, "kind">;
  issuer: string;
  audience: string;
  /** The private Ed25519 key that signs, and its id in the issuer's key set. */
  key: CryptoKey | KeyObject | JWK;
  keyId: string;
  issuedAt: Date;
  lifetimeSeconds: number;
}

/** Signs a user's access token: `sub` is the user's id, `role` and `sid` (the session) are claims of their own. */
export function signAccessToken(options: AccessTokenOptions): Promise<string> {
  const { user, issuer, audience, key, keyId, issuedAt, lifetimeSeconds } = options;
  const iat = Math.floor(issuedAt.getTime() / 1000);
  return new SignJWT({ role: user.role, sid: user.sessionId })
    .setProtectedHeader({ alg: "EdDSA", kid: keyId, typ: "JWT" })
    .setSubject(user.id)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(iat)
    .setExpirationTime(iat + lifetimeSeconds)
    .sign(key);
}

/** The user that an access token's claims name. */
export function toUserPrincipal({ sub, role, sid }: JWTPayload): UserPrincipal | undefined {
  if (typeof sub !== "string" || sub === "" || sub.includes(":")) return undefined;
  if (role !== "user" && role !== "admin") return undefined;
  if (typeof sid !== "string" || sid === "") return undefined;
  return { kind: "user", id: sub, role, sessionId: sid };
}
