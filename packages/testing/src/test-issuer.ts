import { generateKeyPairSync } from "node:crypto";
import {
  type AuthOptions,
  createKeySource,
  createServiceTokens,
  createServiceTokenVerifier,
  createTokenVerifier,
  type ServiceTokens,
  signAccessToken,
} from "@tenon/interceptors";

export interface TestIssuerOptions {
  /** What users' tokens name as their issuer; by default `tenon-user`, as the user service does. */
  issuer?: string;
  /** Whom users' tokens are meant for; by default `tenon`. */
  audience?: string;
  now?: () => Date;
}

export interface TestUser {
  id: string;
  /** By default `user`. */
  role?: "user" | "admin";
  /** By default `session-1`. */
  sessionId?: string;
  /** By default 900 s. Below 0 the token has expired. */
  lifetimeSeconds?: number;
}

/** The keys of the whole platform in one place: signs for every user and every service. */
export interface TestIssuer {
  /** A user's access token. */
  userToken(user: TestUser): Promise<string>;
  /** A service's token for one callee. */
  serviceToken(token: { name: string; audience: string }): Promise<string>;
  /** What a service signs its own tokens with. */
  serviceTokens(name: string): ServiceTokens;
  /** What `auth` of the service of this name needs to accept them. */
  verifiers(name: string): Required<Pick<AuthOptions, "users" | "services">>;
}

/** Makes new keys; nothing else in the world accepts its tokens. */
export function createTestIssuer(options: TestIssuerOptions = {}): TestIssuer {
  const { issuer = "tenon-user", audience = "tenon", now = () => new Date() } = options;
  const userKey = createKey("test-user-key");
  const serviceKeys = new Map<string, Key>();
  const signers = new Map<string, ServiceTokens>();

  function serviceTokens(name: string): ServiceTokens {
    const known = signers.get(name);
    if (known !== undefined) return known;
    const key = createKey(name);
    const signer = createServiceTokens({ name, key: key.private, now });
    serviceKeys.set(name, key);
    signers.set(name, signer);
    return signer;
  }

  return {
    userToken: ({ id, role = "user", sessionId = "session-1", lifetimeSeconds = 900 }) =>
      signAccessToken({
        user: { id, role, sessionId },
        issuer,
        audience,
        key: userKey.private,
        keyId: "test-user-key",
        issuedAt: now(),
        lifetimeSeconds,
      }),
    serviceToken: async (token) => serviceTokens(token.name).tokenFor(token.audience),
    serviceTokens,
    verifiers: (name) => ({
      users: createTokenVerifier({
        keys: createKeySource({ fetch: async () => ({ keys: [userKey.public] }), now }),
        issuer,
        audience,
        now,
      }),
      services: createServiceTokenVerifier({
        keys: createKeySource({
          fetch: async () => ({ keys: [...serviceKeys.values()].map((key) => key.public) }),
          retryAfterMs: 0,
          now,
        }),
        audience: name,
        now,
      }),
    }),
  };
}

type Key = ReturnType<typeof createKey>;

function createKey(keyId: string) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const common = { kid: keyId, alg: "EdDSA", use: "sig" };
  return {
    private: { ...(privateKey.export({ format: "jwk" }) as { kty: string }), ...common },
    public: { ...(publicKey.export({ format: "jwk" }) as { kty: string }), ...common },
  };
}
