import { generateKeyPairSync } from "node:crypto";
import { type JWK, type JWTPayload, SignJWT } from "jose";
import { createKeySource, type KeySource } from "./key-source.ts";

export interface TestKey {
  private: JWK;
  public: JWK;
}

/** A new Ed25519 pair as JWKs. */
export function createTestKey(kid: string): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const common = { kid, alg: "EdDSA", use: "sig" };
  return {
    private: { ...(privateKey.export({ format: "jwk" }) as JWK), ...common },
    public: { ...(publicKey.export({ format: "jwk" }) as JWK), ...common },
  };
}

/** Any token that someone with this key can make. */
export const signClaims = (key: TestKey, claims: JWTPayload, header: object = {}): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", kid: key.public.kid as string, ...header }).sign(key.private);

export const keysOf = (...keys: TestKey[]): KeySource =>
  createKeySource({ fetch: async () => ({ keys: keys.map((key) => key.public) }) });

/** A clock that stands still until it is told to go on. */
export function createTestClock(startAt = Date.UTC(2026, 0, 1)) {
  let at = startAt;
  return {
    now: () => new Date(at),
    seconds: () => Math.floor(at / 1000),
    advance: (ms: number) => {
      at += ms;
    },
  };
}
