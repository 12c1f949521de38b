import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@tenon/grpc";
import type { HttpRule } from "@tenon/options/google/api";
import { answerMessage } from "./answer-message.ts";
import { answerRawStream, answerStream } from "./answer-stream.ts";
import { metadataFromHeaders, timeoutFromHeaders } from "./header-metadata.ts";
import { isRawResponse } from "./http-body.ts";
import { type AnyMethod, type Exchange, type ExchangeRules, refusal } from "./http-exchange.ts";
import { type HandleRequest, type HttpRequest, type HttpResponse, splitUrl } from "./http-message.ts";
import { methodNotAllowed, notFound, upgradeRequired } from "./http-refusal.ts";
import { createRouter, type HttpRoute, httpRoutes } from "./http-routes.ts";
import { overridden } from "./method-override.ts";
import type { RequestMappingOptions } from "./request-mapping.ts";
import { createResponseWriter, type ResponseJsonOptions } from "./response-json.ts";

/** A service and who calls it. */
export interface Backend {
  readonly service: DescService;
  readonly client: Client<DescService>;
}

export interface TranscoderOptions {
  backends: readonly Backend[];
  /** Of a service config, before what the methods declare (see `readHttpRules`); by default none. */
  rules?: readonly HttpRule[];
  /**
   * Takes a POST with `X-HTTP-Method-Override` for a request of the method that it names, for clients that can send no other; by
   * default the header is not looked at, for what stands between may have let a POST pass that is none.
   */
  methodOverride?: boolean;
  request?: RequestMappingOptions;
  response?: ResponseJsonOptions;
  /** Largest body of one message, and largest message of a stream; by default 4 MiB, as gRPC servers take it. */
  maxBodyBytes?: number;
  /** For the whole body of one message to come; by default 30 s. */
  bodyTimeoutMs?: number;
  /** Silence on a stream of events after which a comment shows that it lives; by default 15 s. */
  heartbeatMs?: number;
  /**
   * How long a stream that says nothing waits before its 200 is sent; by default 200 ms. An error within it has an HTTP
   * status of its own, a later one is the last thing in the stream.
   */
  settleMs?: number;
}

/** Answers HTTP requests by calls. */
export interface Transcoder {
  readonly routes: readonly HttpRoute[];
  readonly rules: ExchangeRules;
  /** Never rejects: whatever goes wrong is an answer. */
  readonly handle: HandleRequest;
  /**
   * What the upgrade to a WebSocket leads to: the GET route of its path, or the POST route of a method with a stream of requests.
   * Throws where it leads nowhere.
   */
  findForSocket(request: HttpRequest): Exchange;
  /** Calls a method of a backend. */
  callOf(method: DescMethod): AnyMethod;
}

/**
 * REST for services by their google.api.http annotations. Throws a RouteError where routes do not fit their methods or
 * each other.
 */
export function createTranscoder(options: TranscoderOptions): Transcoder {
  const { backends, maxBodyBytes: maxBytes = 4 * 1024 * 1024, bodyTimeoutMs: timeoutMs = 30_000 } = options;
  const { heartbeatMs = 15_000, settleMs = 200 } = options;
  const rules: ExchangeRules = {
    limits: { maxBytes, timeoutMs },
    mapping: options.request ?? {},
    write: createResponseWriter(options.response),
    heartbeatMs,
    settleMs,
  };
  const routes = httpRoutes(
    backends.map(({ service }) => service),
    options.rules,
  );
  const router = createRouter(routes);
  const clients = new Map(backends.map(({ service, client }) => [service.typeName, client]));

  const callOf = ({ parent, localName }: DescMethod): AnyMethod => {
    const client = clients.get(parent.typeName) as unknown as Record<string, AnyMethod>;
    return client[localName] as AnyMethod;
  };
  const match = (request: HttpRequest, path: string) =>
    router.match(request.method, path) ?? (request.method === "HEAD" ? router.match("GET", path) : undefined);

  const uploadAt = (path: string) => {
    const posted = router.match("POST", path);
    return posted?.value.method.methodKind === "client_streaming" ? posted : undefined;
  };

  function exchangeOf(request: HttpRequest, { value: route, variables }: NonNullable<ReturnType<typeof match>>) {
    const timeout = timeoutFromHeaders(request.headers);
    const callOptions: CallOptions = {
      signal: request.signal,
      metadata: metadataFromHeaders(request.headers, request.peer),
      ...(timeout !== undefined && { timeoutMs: timeout }),
    };
    const call = callOf(route.method);
    return { request, route, variables, query: splitUrl(request.url).query, call, options: callOptions };
  }

  /** Throws what says why the path cannot be asked so; of OPTIONS it says what can. */
  function refuseRoute(httpMethod: string, path: string): HttpResponse {
    const allowed = router.allowed(path);
    if (allowed.length === 0) throw notFound();
    const all = [...new Set([...allowed, ...(allowed.includes("GET") ? ["HEAD"] : []), "OPTIONS"])].sort().join(", ");
    if (httpMethod !== "OPTIONS") throw methodNotAllowed(all);
    return { status: 204, headers: { allow: all }, body: "" };
  }

  async function serve(request: HttpRequest): Promise<HttpResponse> {
    const { path } = splitUrl(request.url);
    const found = match(request, path);
    if (found === undefined) return refuseRoute(request.method, path);
    const route = found.value;
    try {
      const { methodKind } = route.method;
      if (methodKind === "bidi_streaming") throw upgradeRequired();
      const exchange = exchangeOf(request, found);
      if (methodKind !== "server_streaming") return await answerMessage(exchange, rules);
      return await (isRawResponse(route) ? answerRawStream : answerStream)(exchange, rules);
    } catch (error) {
      return { ...refusal(request, error), route };
    }
  }

  return {
    routes,
    rules,
    callOf,
    findForSocket(request) {
      const { path } = splitUrl(request.url);
      const found = match(request, path) ?? uploadAt(path);
      if (found !== undefined) return exchangeOf(request, found);
      refuseRoute(request.method, path);
      throw notFound();
    },
    async handle(request) {
      try {
        return await serve(options.methodOverride ? overridden(request) : request);
      } catch (error) {
        return refusal(request, error);
      }
    },
  };
}
