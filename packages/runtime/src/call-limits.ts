import type { StandardClientOptions, StandardServerOptions } from "@tenon/interceptors";
import type { ServiceConfig } from "./process-config.ts";

/** On before much is known of a server: enough for its first second, and taken back within it where it is too much. */
const INITIAL_CONCURRENCY = 200;

/**
 * What a service lets in, as its configuration says: as much at once as it can bear, of one caller what its rates allow, and
 * whom it believes about the address of those. Budgets by address are worth what is known of addresses: behind a proxy that is
 * not trusted, all share the proxy's.
 */
export function serverLimits(
  config: Pick<
    ServiceConfig,
    "LOAD_SHEDDING" | "MAX_CONCURRENT_CALLS" | "CREDENTIAL_RATE" | "WRITE_RATE" | "READ_RATE" | "TRUSTED_PROXIES"
  >,
): Pick<StandardServerOptions, "loadShedding" | "rateLimits" | "trustedProxies"> {
  const { LOAD_SHEDDING, MAX_CONCURRENT_CALLS: maxLimit, TRUSTED_PROXIES: trustedProxies } = config;
  const rates = { credential: config.CREDENTIAL_RATE, write: config.WRITE_RATE, read: config.READ_RATE };
  const classes = Object.fromEntries(Object.entries(rates).filter(([, rate]) => rate !== "off"));
  return {
    ...(LOAD_SHEDDING === "on" && {
      loadShedding: { maxLimit, initialLimit: Math.min(INITIAL_CONCURRENCY, maxLimit) },
    }),
    ...(Object.keys(classes).length > 0 && { rateLimits: { classes } }),
    ...(trustedProxies.length > 0 && { trustedProxies }),
  };
}

/**
 * Between services a callee that is back must not wait long for its callers: a breaker of theirs tries again after a second, and
 * never later than after five.
 */
const BREAKER = { openMs: 1000, maxOpenMs: 5000 };

/** What a service's clients do without, as its configuration says: callees that are not well. For `standardClient`. */
export const clientLimits = ({
  CIRCUIT_BREAKER,
}: Pick<ServiceConfig, "CIRCUIT_BREAKER">): Pick<StandardClientOptions, "circuitBreaker"> =>
  CIRCUIT_BREAKER === "on" ? { circuitBreaker: BREAKER } : {};
