export { type ClientAddressOptions, clientAddress, clientAddressOf, createClientFinder } from "./client-address.ts";
export { currentCall, detached } from "./current-call.ts";
export { type DeadlineOptions, deadline } from "./deadline.ts";
export { type FallbackOptions, fallback } from "./fallback.ts";
export { type AccessRule, type AccessWord, contractRule } from "./identity/access-rule.ts";
export { type AccessTokenOptions, signAccessToken } from "./identity/access-token.ts";
export { type AuthOptions, auth } from "./identity/auth.ts";
export { createFileKeySource, createKeySource, type KeySource, type KeySourceOptions } from "./identity/key-source.ts";
export {
  ANONYMOUS,
  type AnonymousPrincipal,
  type Principal,
  principalKey,
  principalOf,
  type ServicePrincipal,
  type UserPrincipal,
} from "./identity/principal.ts";
export {
  createServiceTokens,
  type ServiceTokens,
  type ServiceTokensOptions,
  serviceToken,
} from "./identity/service-token.ts";
export type { SpiffeOptions } from "./identity/spiffe-id.ts";
export {
  createServiceTokenVerifier,
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "./identity/token-verifier.ts";
export { callFacts } from "./logging/call-facts.ts";
export { currentCallFacts } from "./logging/current-call-facts.ts";
export { clientLevel, type Level, serverLevel } from "./logging/log-level.ts";
export { type LogEvent, type LoggingOptions, logging } from "./logging/logging.ts";
export { ofMethod, ofService, withOption } from "./match.ts";
export { addressGroup } from "./overload/address-group.ts";
export type { Priority } from "./overload/admission.ts";
export { type CircuitBreakerOptions, circuitBreaker } from "./overload/circuit-breaker.ts";
export { type LoadSheddingOptions, loadShedding } from "./overload/load-shedding.ts";
export { type RateClass, type RateLimitOptions, rateClassOf, rateLimit } from "./overload/rate-limit.ts";
export { createTokenBuckets, type Rate, type TokenBuckets, type TokenBucketsOptions } from "./overload/token-bucket.ts";
export { type PropagationOptions, propagation } from "./propagation.ts";
export { type RecoveryOptions, recovery } from "./recovery.ts";
export { isRequestId, REQUEST_ID_HEADER, requestIdKey, requestIdOf } from "./request-id.ts";
export { requestIdHeader } from "./request-id-header.ts";
export { allBut, type Match, onlyFor } from "./selector.ts";
export {
  type StandardClientOptions,
  type StandardServerOptions,
  standardClient,
  standardServer,
} from "./standard-chain.ts";
export { type MetricsOptions, metrics } from "./telemetry/metrics.ts";
export type { ServerAddress } from "./telemetry/rpc-attributes.ts";
export { type RpcMetricsOptions, rpcMetrics } from "./telemetry/rpc-metrics.ts";
export { type ServerTimingOptions, serverTiming, timed } from "./telemetry/server-timing.ts";
export { type TraceFacts, traceFacts } from "./telemetry/trace-context.ts";
export {
  currentTraceParent,
  inTraceOf,
  type TracedWorkOptions,
  tracedWork,
  traceIdOf,
} from "./telemetry/traced-work.ts";
export { type TracingOptions, tracing } from "./telemetry/tracing.ts";
export type { NativeDefinition } from "./validation/request-schema.ts";
export { type ValidationOptions, validation } from "./validation/validation.ts";
