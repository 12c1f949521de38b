import { generateKeyPairSync } from "node:crypto";
import { signAccessToken } from "@tenon/interceptors";

export const ISSUER = "tenon-user";
export const AUDIENCE = "tenon";

/** A public JWK. */
export interface PublicKey {
  kty: string;
  kid: string;
  x: string;
}

/** The user on whose behalf all calls are made: his token, and the key that servers verify it with. */
export interface Caller {
  readonly token: string;
  readonly key: PublicKey;
}

const LIFETIME_SECONDS = 6 * 3600;

export async function createCaller(): Promise<Caller> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { x } = publicKey.export({ format: "jwk" }) as { x: string };
  const keyId = "bench";
  const token = await signAccessToken({
    user: { id: "0192f0c1-5e40-7b7d-a1f3-6c9be2870001", role: "user", sessionId: "session-1" },
    issuer: ISSUER,
    audience: AUDIENCE,
    key: privateKey,
    keyId,
    issuedAt: new Date(),
    lifetimeSeconds: LIFETIME_SECONDS,
  });
  return { token, key: { kty: "OKP", crv: "Ed25519", kid: keyId, x } as PublicKey };
}
