import { openSync, writeSync } from "node:fs";
import { type Implementation, type Interceptor, methodsOf } from "@tenon/grpc";
import { createKeySource, createTokenVerifier, standardServer, type TokenVerifier } from "@tenon/interceptors";
import { createLogger, createTurnWriter } from "@tenon/logger";
import { Registry } from "prom-client";
import { AUDIENCE, ISSUER, type PublicKey } from "../bench-token.ts";

export interface BenchChainOptions {
  services: readonly Implementation[];
  /** Verifies the token that the load carries. */
  key: PublicKey;
  /** Makes each call pay for the verification of its token, as if it were a new one. */
  uncached: boolean;
}

/** The standard chain as a service has it: a line a call at level info (to /dev/null), metrics, a user's token. */
export function benchChain({ services, key, uncached }: BenchChainOptions): Interceptor[] {
  const sink = openSync("/dev/null", "w");
  const keys = createKeySource({ fetch: async () => ({ keys: [key] }) });
  const users = createTokenVerifier({ keys, issuer: ISSUER, audience: AUDIENCE });
  const destination = createTurnWriter({ write: (lines) => void writeSync(sink, lines) });
  return standardServer({
    logger: createLogger({ name: "bench", destination }),
    registry: new Registry(),
    methods: methodsOf(services),
    auth: { users: uncached ? forgetting(users) : users },
  });
}

/** Nothing that it has verified may be used again. */
const forgetting = (verifier: TokenVerifier): TokenVerifier => ({
  verify: async (token) => ({ ...(await verifier.verify(token)), keyHolds: () => false }),
});
