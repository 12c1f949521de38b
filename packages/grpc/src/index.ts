export {
  Answer,
  answer,
  type Call,
  type CallHooks,
  type CallStatus,
  type Interceptor,
  type Method,
  type Verdict,
} from "./call.ts";
export { type CallOptions, type Client, type ClientMethod, type ClientOptions, createClient } from "./client.ts";
export { type ContextKey, type ContextValues, createContextKey, createContextValues } from "./context-values.ts";
export { type Handler, type Handlers, type Implementation, implement } from "./handlers.ts";
export { createMetadata, type Metadata, type MetadataValue } from "./metadata.ts";
export { createServer, type Server, type ServerOptions } from "./server.ts";
