import { createPrivateKey } from "node:crypto";
import { type Interceptor, NO_HOOKS } from "@tenon/grpc";
import { type JWK, type JWTPayload, SignJWT } from "jose";
import type { ServicePrincipal } from "./principal.ts";

/** Longer-lived service tokens are refused. */
const MAX_SERVICE_TOKEN_SECONDS = 300;

export interface ServiceTokensOptions {
  /** Whose tokens: `order` signs as `service:order`. */
  name: string;
  /** The service's private key: an Ed25519 JWK (RFC 8037). */
  key: JWK;
  /** How long a token holds: at most, and by default, 300 s. */
  lifetimeSeconds?: number;
  /** A token that holds for less is replaced while it still serves; by default 60 s. */
  refreshAheadSeconds?: number;
  now?: () => Date;
}

/** One service's proofs of who it is, one for each callee. */
export interface ServiceTokens {
  /** A token for this callee. Signed anew now and then, kept between; a promise only where there is none at hand. */
  tokenFor(audience: string): string | Promise<string>;
}

interface Held {
  readonly token: string;
  readonly expiresAt: number;
}

/** Signs the tokens by which a service proves itself to others. Throws where the key is not a private Ed25519 JWK. */
export function createServiceTokens(options: ServiceTokensOptions): ServiceTokens {
  const {
    name,
    key,
    lifetimeSeconds = MAX_SERVICE_TOKEN_SECONDS,
    refreshAheadSeconds = 60,
    now = () => new Date(),
  } = options;
  if (key.kty !== "OKP" || key.crv !== "Ed25519" || key.d === undefined) {
    throw new Error(`the key of service ${name} is not a private Ed25519 JWK`);
  }
  if (lifetimeSeconds > MAX_SERVICE_TOKEN_SECONDS)
    throw new Error(`service tokens hold for ${MAX_SERVICE_TOKEN_SECONDS} s at most`);
  const privateKey = createPrivateKey({ key: { ...key }, format: "jwk" });
  const held = new Map<string, Held>();
  const signing = new Map<string, Promise<string>>();

  async function sign(audience: string): Promise<string> {
    const iat = Math.floor(now().getTime() / 1000);
    const token = await new SignJWT()
      .setProtectedHeader({ alg: "EdDSA", kid: name, typ: "JWT" })
      .setSubject(`service:${name}`)
      .setAudience(audience)
      .setIssuedAt(iat)
      .setExpirationTime(iat + lifetimeSeconds)
      .sign(privateKey);
    held.set(audience, { token, expiresAt: (iat + lifetimeSeconds) * 1000 });
    return token;
  }

  function signOnce(audience: string): Promise<string> {
    const running = signing.get(audience);
    if (running !== undefined) return running;
    const started = sign(audience).finally(() => signing.delete(audience));
    signing.set(audience, started);
    return started;
  }

  return {
    tokenFor(audience) {
      const found = held.get(audience);
      const leftMs = found === undefined ? 0 : found.expiresAt - now().getTime();
      if (found === undefined || leftMs <= 0) return signOnce(audience);
      if (leftMs < refreshAheadSeconds * 1000) signOnce(audience).catch(() => {}); // the next call tries again
      return found.token;
    },
  };
}

/** On a client: proves this service to `audience`, the callee's name, unless the call has an authorization already. */
export function serviceToken(tokens: ServiceTokens, audience: string): Interceptor {
  return function serviceToken(call) {
    if (call.side === "server") return NO_HOOKS;
    const attach = (token: string) => call.requestMetadata.set("authorization", `Bearer ${token}`);
    return {
      onStart() {
        if (call.requestMetadata.get("authorization").length > 0) return;
        const token = tokens.tokenFor(audience);
        if (typeof token !== "string") return token.then(attach);
        attach(token);
      },
    };
  };
}

/** The service that a service token's claims name, if the key is its own and the token short-lived. */
export function toServicePrincipal({ sub, iat, exp }: JWTPayload, keyId: string): ServicePrincipal | undefined {
  if (sub !== `service:${keyId}` || iat === undefined || exp === undefined) return undefined;
  if (exp - iat > MAX_SERVICE_TOKEN_SECONDS) return undefined;
  return { kind: "service", name: keyId };
}
