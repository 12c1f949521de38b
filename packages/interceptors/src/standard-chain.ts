import type { Interceptor, Method } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import type { Registry } from "prom-client";
import { clientAddress } from "./client-address.ts";
import { type DeadlineOptions, deadline } from "./deadline.ts";
import { type AuthOptions, auth } from "./identity/auth.ts";
import { type ServiceTokens, serviceToken } from "./identity/service-token.ts";
import { HEALTH } from "./infrastructure.ts";
import { logging } from "./logging/logging.ts";
import { type CircuitBreakerOptions, circuitBreaker } from "./overload/circuit-breaker.ts";
import { type LoadSheddingOptions, loadShedding } from "./overload/load-shedding.ts";
import { type RateLimitOptions, rateLimit } from "./overload/rate-limit.ts";
import { propagation } from "./propagation.ts";
import { recovery } from "./recovery.ts";
import { requestIdHeader } from "./request-id-header.ts";
import { allBut, type Match } from "./selector.ts";
import { metrics } from "./telemetry/metrics.ts";
import { rpcMetrics } from "./telemetry/rpc-metrics.ts";
import { type ServerTimingOptions, serverTiming } from "./telemetry/server-timing.ts";
import { tracing } from "./telemetry/tracing.ts";
import { type ValidationOptions, validation } from "./validation/validation.ts";

export interface StandardServerOptions {
  logger: Logger;
  registry: Registry;
  /** What the server serves: `methodsOf(services, natives)`. Wrong access or validation rules of it are thrown. */
  methods: readonly Method[];
  auth: Omit<AuthOptions, "methods">;
  /** What methods without a descriptor need; by default all have one, or have no rules to check. */
  validation?: Omit<ValidationOptions, "methods">;
  /** What methods may take whose contract does not say; see `deadline`. */
  deadline?: DeadlineOptions;
  /** Our proxies in front of this server, which are believed about the client's address; by default there are none. */
  trustedProxies?: readonly string[];
  /** Whether callers are told their request's id in a header; by default they are not. */
  requestIdHeader?: boolean;
  /** `{}` or more: tells insiders who ask how long a call took; by default nobody. */
  serverTiming?: ServerTimingOptions;
  /** `{}` or more: refuses what is more than the server can do; by default it does what it can. */
  loadShedding?: Omit<LoadSheddingOptions, "registry">;
  /** What one caller may do; by default rates are not limited. */
  rateLimits?: Omit<RateLimitOptions, "methods">;
}

/** What every server of ours does with a call, outermost first. */
export function standardServer(options: StandardServerOptions): Interceptor[] {
  const { logger, registry, methods, trustedProxies, rateLimits } = options;
  const { loadShedding: shedding, serverTiming: timing } = options;
  return [
    propagation(), // what runs in the call knows that it does, and its request by name
    ...(options.requestIdHeader ? [requestIdHeader()] : []), // which the caller learns, also of a refusal
    ...(timing ? [serverTiming(timing)] : []), // the whole of what further in is done
    ...(trustedProxies ? [clientAddress({ trustedProxies })] : []), // whom the proxies speak for
    allBut(isHealth, tracing({ methods })), // a span, whose ids all further lines carry
    allBut(isHealth, logging(logger)), // one line, whatever happens further in; probes would drown the rest
    metrics(registry, { side: "server", methods }), // one count, refusals included
    rpcMetrics({ methods }), // the same for OpenTelemetry, where there is an SDK
    recovery(logger, { registry, methods }), // what nobody meant to throw is told with its stack
    allBut(isHealth, deadline(options.deadline)), // nothing runs for ever, nothing starts too late; health is watched for as long as one likes
    ...(shedding ? [loadShedding({ ...shedding, registry })] : []), // nothing is spent on what there is no room for
    auth({ ...options.auth, methods }), // who is not let in costs no more than this
    ...(rateLimits ? [rateLimit({ ...rateLimits, methods })] : []), // nor who comes too often
    validation({ ...options.validation, methods }), // each message, once it is known whose it is
  ];
}

export interface StandardClientOptions {
  logger: Logger;
  registry: Registry;
  /** What is called, to count it from 0. */
  methods?: readonly Method[];
  /** Proves this service to the callee of that name. */
  identity?: { tokens: ServiceTokens; audience: string } | undefined;
  /** `{}` or more: does not call what has not been well; by default it tries each time. */
  circuitBreaker?: Omit<CircuitBreakerOptions, "logger" | "registry">;
}

/** What every client of ours does with a call, outermost first. */
export function standardClient(options: StandardClientOptions): Interceptor[] {
  const { logger, registry, methods = [], identity, circuitBreaker: breaker } = options;
  return [
    logging(logger), // first, so that calls which are refused below are seen too
    metrics(registry, { side: "client", methods }),
    rpcMetrics(),
    tracing(), // its span goes along, instead of what propagation would pass on
    deadline(), // the contract's, unless the caller named one
    propagation(), // no longer than the call that this one serves
    ...(breaker ? [circuitBreaker({ ...breaker, logger, registry })] : []), // what is not called needs no token
    ...(identity ? [serviceToken(identity.tokens, identity.audience)] : []),
  ];
}

const isHealth: Match = ({ service }) => service === HEALTH;
