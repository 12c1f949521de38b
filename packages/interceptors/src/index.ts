export { type AccessRule, type AccessWord, contractRule } from "./access-rule.ts";
export { type AccessTokenOptions, signAccessToken } from "./access-token.ts";
export { addressGroup } from "./address-group.ts";
export type { Priority } from "./admission.ts";
export { type AuthOptions, auth } from "./auth.ts";
export { callFacts } from "./call-facts.ts";
export { type CircuitBreakerOptions, circuitBreaker } from "./circuit-breaker.ts";
export { type ClientAddressOptions, clientAddress, clientAddressOf, createClientFinder } from "./client-address.ts";
export { currentCall, detached } from "./current-call.ts";
export { currentCallFacts } from "./current-call-facts.ts";
export { type DeadlineOptions, deadline } from "./deadline.ts";
export { type FallbackOptions, fallback } from "./fallback.ts";
export { createFileKeySource, createKeySource, type KeySource, type KeySourceOptions } from "./key-source.ts";
export { type LoadSheddingOptions, loadShedding } from "./load-shedding.ts";
export { clientLevel, type Level, serverLevel } from "./log-level.ts";
export { type LogEvent, type LoggingOptions, logging } from "./logging.ts";
export { ofMethod, ofService, withOption } from "./match.ts";
export { type MetricsOptions, metrics } from "./metrics.ts";
export {
  ANONYMOUS,
  type AnonymousPrincipal,
  type Principal,
  principalKey,
  principalOf,
  type ServicePrincipal,
  type UserPrincipal,
} from "./principal.ts";
export { type PropagationOptions, propagation } from "./propagation.ts";
export { type RateClass, type RateLimitOptions, rateClassOf, rateLimit } from "./rate-limit.ts";
export { type RecoveryOptions, recovery } from "./recovery.ts";
export { isRequestId, REQUEST_ID_HEADER, requestIdKey, requestIdOf } from "./request-id.ts";
export { requestIdHeader } from "./request-id-header.ts";
export type { NativeDefinition } from "./request-schema.ts";
export type { ServerAddress } from "./rpc-attributes.ts";
export { type RpcMetricsOptions, rpcMetrics } from "./rpc-metrics.ts";
export { allBut, type Match, onlyFor } from "./selector.ts";
export { type ServerTimingOptions, serverTiming, timed } from "./server-timing.ts";
export { createServiceTokens, type ServiceTokens, type ServiceTokensOptions, serviceToken } from "./service-token.ts";
export type { SpiffeOptions } from "./spiffe-id.ts";
export {
  type StandardClientOptions,
  type StandardServerOptions,
  standardClient,
  standardServer,
} from "./standard-chain.ts";
export { createTokenBuckets, type Rate, type TokenBuckets, type TokenBucketsOptions } from "./token-bucket.ts";
export {
  createServiceTokenVerifier,
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "./token-verifier.ts";
export { type TraceFacts, traceFacts } from "./trace-context.ts";
export { currentTraceParent, inTraceOf, type TracedWorkOptions, tracedWork, traceIdOf } from "./traced-work.ts";
export { type TracingOptions, tracing } from "./tracing.ts";
export { type ValidationOptions, validation } from "./validation.ts";
