export { withConnect } from "./connect/with-connect.ts";
export { createOrigins, type Origins, withCors } from "./cors.ts";
export { codeOf, errorResponse, HTTP_STATUS } from "./error-response.ts";
export { toFetch } from "./fetch-handler.ts";
export type { RequestHeaders } from "./header-metadata.ts";
export {
  type HandleRequest,
  type HttpRequest,
  type HttpResponse,
  isWhole,
  type Outcome,
  splitUrl,
  type WholeBody,
} from "./http-message.ts";
export { HttpRefusal, methodNotAllowed } from "./http-refusal.ts";
export { createRouter, type HttpRoute, httpRoutes, type Router, routesOf } from "./http-routes.ts";
export { readHttpRules } from "./http-rules.ts";
export { toNodeListener } from "./node-listener.ts";
export { createOpenApi, type OpenApiOptions } from "./openapi/openapi.ts";
export { buildPath, type PathTemplate, parsePathTemplate, patternOf, TemplateError } from "./path-template.ts";
export type { RequestMappingOptions } from "./request-mapping.ts";
export { type CompressionOptions, withCompression } from "./response-compression.ts";
export type { ResponseJsonOptions } from "./response-json.ts";
export { RouteError } from "./route-error.ts";
export { type Backend, createTranscoder, type Transcoder, type TranscoderOptions } from "./transcoder.ts";
export {
  createWebSockets,
  type WebSocketEnd,
  type WebSockets,
  type WebSocketsOptions,
} from "./web-socket/web-sockets.ts";
