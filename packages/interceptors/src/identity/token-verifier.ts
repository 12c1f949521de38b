import type { KeyObject } from "node:crypto";
import { StatusError } from "@tenon/errors";
import { decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { toUserPrincipal } from "./access-token.ts";
import type { KeySource } from "./key-source.ts";
import type { Principal } from "./principal.ts";
import { toServicePrincipal } from "./service-token.ts";

/** A token that was checked, for as long as that holds. */
export interface VerifiedToken {
  readonly principal: Principal;
  /** From then on it is refused: milliseconds since the epoch, the tolerance for clocks included. */
  readonly expiresAt: number;
  /** False once the key that signed it is trusted no more. */
  keyHolds(): boolean;
}

/** Checks tokens. Refuses with UNAUTHENTICATED (TOKEN_EXPIRED, TOKEN_INVALID), or UNAVAILABLE where no keys can be had. */
export interface TokenVerifier {
  verify(token: string): VerifiedToken | Promise<VerifiedToken>;
}

export interface TokenVerifierOptions {
  /** The public keys of the issuer. */
  keys: KeySource;
  /** Who must have issued the token (`iss`). */
  issuer: string;
  /** Whom it must be meant for (`aud`). */
  audience: string;
  /** How far clocks may be apart; by default 5 s. */
  clockToleranceSeconds?: number;
  now?: () => Date;
}

/** Verifies users' access tokens: JWTs signed with EdDSA, and nothing else, whatever their header asks for. */
export const createTokenVerifier = (options: TokenVerifierOptions): TokenVerifier =>
  createVerifier(options, toUserPrincipal);

/**
 * Verifies service tokens, whose `aud` is the callee's name. A key's id is the name of the service that holds it, so
 * that each can speak for itself alone; a token holds for five minutes at most.
 */
export const createServiceTokenVerifier = (options: Omit<TokenVerifierOptions, "issuer">): TokenVerifier =>
  createVerifier(options, toServicePrincipal);

/** The caller by the claims of a token whose signature, issuer, audience and times hold; undefined if they do not fit. */
type ReadClaims = (claims: JWTPayload, keyId: string) => Principal | undefined;

function createVerifier(
  options: Omit<TokenVerifierOptions, "issuer"> & { issuer?: string },
  readClaims: ReadClaims,
): TokenVerifier {
  const { keys, audience, issuer, clockToleranceSeconds = 5, now = () => new Date() } = options;
  return {
    async verify(token) {
      const currentDate = now();
      let key: KeyObject | undefined;
      const { payload, protectedHeader } = await jwtVerify(
        token,
        async ({ kid }) => {
          key = typeof kid === "string" ? await keys.find(kid) : undefined;
          if (key === undefined) throw new errors.JWKSNoMatchingKey();
          return key;
        },
        {
          algorithms: ["EdDSA"],
          audience,
          ...(issuer !== undefined && { issuer }),
          requiredClaims: ["exp", "iat", "sub"],
          clockTolerance: clockToleranceSeconds,
          currentDate,
        },
      ).catch((error: unknown) => {
        throw toRefusal(error);
      });
      const keyId = protectedHeader.kid as string;
      const { iat, exp } = payload as { iat: number; exp: number };
      // Lifetimes are counted from iat, so one in the future would stretch them.
      const aheadMs = iat * 1000 - currentDate.getTime();
      if (aheadMs > clockToleranceSeconds * 1000)
        throw invalidToken(`issued in ${Math.ceil(aheadMs / 1000)} s from now: clocks are apart`);
      const principal = readClaims(payload, keyId);
      if (principal === undefined) throw invalidToken("claims do not fit");
      return {
        principal,
        expiresAt: (exp + clockToleranceSeconds) * 1000,
        keyHolds: () => keys.current(keyId) === key,
      };
    },
  };
}

/** Says what of two kinds of token one claims to be, so that the right verifier checks it. It proves nothing. */
export function eitherOf({ users, services }: { users?: TokenVerifier; services?: TokenVerifier }): TokenVerifier {
  return {
    verify(token) {
      const verifier = claimsToBeService(token) ? services : users;
      if (verifier === undefined) throw invalidToken("tokens of this kind are not accepted here");
      return verifier.verify(token);
    },
  };
}

function claimsToBeService(token: string): boolean {
  try {
    return decodeJwt(token).sub?.startsWith("service:") ?? false;
  } catch (error) {
    throw toRefusal(error);
  }
}

export const invalidToken = (why: string): StatusError =>
  new StatusError("UNAUTHENTICATED", "the token is not valid", { reason: "TOKEN_INVALID", cause: new Error(why) });

const expiredToken = (): StatusError =>
  new StatusError("UNAUTHENTICATED", "the token has expired", { reason: "TOKEN_EXPIRED" });

function toRefusal(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return expiredToken();
  // Only its message: jose's errors carry the claims, which do not belong in a log.
  if (error instanceof errors.JOSEError || error instanceof TypeError) return invalidToken(error.message);
  return error;
}
