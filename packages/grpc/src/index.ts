export {
  Answer,
  answer,
  type Call,
  type CallHooks,
  type CallStatus,
  type Interceptor,
  type Method,
  NO_HOOKS,
  type Verdict,
} from "./call.ts";
export type { CallOptions } from "./call-options.ts";
export type { ChannelOptions } from "./channel-transport.ts";
export { type Client, type ClientMethod, type ClientOptions, createClient } from "./client.ts";
export {
  type ContextKey,
  type ContextValues,
  createContextKey,
  createContextValues,
  retriesAllowed,
} from "./context-values.ts";
export { CLIENT_DEFENCES, type ClientDefence, SERVER_DEFENCES, type ServerDefence } from "./defences.ts";
export { type Handler, type Handlers, type Implementation, implement } from "./handlers.ts";
export { createHealth, type Health, type HealthOptions, LIVE } from "./health.ts";
export { createHealthClient, type HealthClient } from "./health-client.ts";
export { createMetadata, type Metadata, type MetadataValue } from "./metadata.ts";
export type { NativeService } from "./native-service.ts";
export { createReflection, type Reflection, type ReflectionOptions } from "./reflection.ts";
export {
  type CloseOptions,
  createServer,
  methodsOf,
  type Server,
  type ServerLimits,
  type ServerOptions,
} from "./server.ts";
export type { ClientTls, Renewable, ServerTls, TlsVersion } from "./tls.ts";
export { type NativeClientOptions, toClientInterceptor } from "./to-client-interceptor.ts";
export { type NativeOptions, toServerInterceptor } from "./to-server-interceptor.ts";
