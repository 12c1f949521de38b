import { signAccessToken } from "@tenon/interceptors";
import { USER_TOKENS } from "@tenon/runtime";
import type { KeyRing } from "../keys/key-ring.ts";
import type { Grant } from "./session-service.ts";

export interface AccessTokensOptions {
  keys: KeyRing;
  /** By default 15 minutes. */
  lifetimeMs?: number;
}

/** Signs access tokens. */
export interface AccessTokens {
  readonly lifetimeSeconds: number;
  /** The same for the same grant, as far as it depends on us: a repeated refresh is answered alike. */
  sign(grant: Grant): Promise<string>;
}

export function createAccessTokens({ keys, lifetimeMs = 900_000 }: AccessTokensOptions): AccessTokens {
  const lifetimeSeconds = Math.floor(lifetimeMs / 1000);
  return {
    lifetimeSeconds,
    async sign({ userId, role, sessionId, grantedAt }) {
      const { kid, privateKey } = await keys.signer(grantedAt);
      return signAccessToken({
        user: { id: userId, role: role === "ADMIN" ? "admin" : "user", sessionId },
        ...USER_TOKENS,
        key: privateKey,
        keyId: kid,
        issuedAt: grantedAt,
        lifetimeSeconds,
      });
    },
  };
}
