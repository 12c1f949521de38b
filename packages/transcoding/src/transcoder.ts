import type { DescService, Message } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { CallOptions, Client, Metadata } from "@tenon/grpc";
import { errorResponse, JSON_TYPE, PROBLEM_JSON, statusJson, toldError } from "./error-response.ts";
import { settleNumbers } from "./exact-number.ts";
import { headerOf, headersFromMetadata, metadataFromHeaders, timeoutFromHeaders } from "./header-metadata.ts";
import type { HttpRequest, HttpResponse } from "./http-message.ts";
import { methodNotAllowed, notAcceptable, notFound, upgradeRequired } from "./http-refusal.ts";
import { createRouter, type HttpRoute, httpRoutes } from "./http-routes.ts";
import { messageFromJson } from "./json-message.ts";
import { splitMessages } from "./json-stream.ts";
import { parseJson } from "./json-text.ts";
import { asksFor, negotiate } from "./media-type.ts";
import { parseQuery } from "./query-text.ts";
import { type BodyLimits, bodyKind, chunksOf, readBody, readJsonBody } from "./request-body.ts";
import { type RequestMappingOptions, requestFromHttp } from "./request-mapping.ts";
import { createResponseWriter, type ResponseJsonOptions } from "./response-json.ts";
import { resumeOf } from "./resume.ts";
import { STREAM_FORMATS, type StreamFormat, writeStream } from "./stream-response.ts";

/** A service and who calls it. */
export interface Backend {
  readonly service: DescService;
  readonly client: Client<DescService>;
}

export interface TranscoderOptions {
  backends: readonly Backend[];
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
  /** Never rejects: whatever goes wrong is an answer. */
  handle(request: HttpRequest): Promise<HttpResponse>;
}

// biome-ignore lint/suspicious/noExplicitAny: called by descriptor, so that no type is known
type AnyMethod = (request: any, options: CallOptions) => any;

interface Exchange {
  readonly request: HttpRequest;
  readonly route: HttpRoute;
  readonly variables: readonly (readonly [string, string])[];
  readonly query: string;
  readonly call: AnyMethod;
  readonly options: CallOptions;
}

/**
 * REST for services by their google.api.http annotations. Throws a RouteError where routes do not fit their methods or
 * each other.
 */
export function createTranscoder(options: TranscoderOptions): Transcoder {
  const { backends, maxBodyBytes: maxBytes = 4 * 1024 * 1024, bodyTimeoutMs: timeoutMs = 30_000 } = options;
  const { heartbeatMs = 15_000, settleMs = 200 } = options;
  const limits: BodyLimits = { maxBytes, timeoutMs };
  const routes = httpRoutes(backends.map(({ service }) => service));
  const router = createRouter(routes);
  const clients = new Map(backends.map(({ service, client }) => [service.typeName, client]));
  const write = createResponseWriter(options.response);

  async function serve(request: HttpRequest): Promise<HttpResponse> {
    const { path, query } = splitUrl(request.url);
    const found =
      router.match(request.method, path) ?? (request.method === "HEAD" ? router.match("GET", path) : undefined);
    if (found === undefined) return refuseRoute(request.method, path);
    const route = found.value;
    try {
      const { method } = route;
      if (method.methodKind === "bidi_streaming") throw upgradeRequired();
      const timeout = timeoutFromHeaders(request.headers);
      const callOptions: CallOptions = {
        signal: request.signal,
        metadata: metadataFromHeaders(request.headers),
        ...(timeout !== undefined && { timeoutMs: timeout }),
      };
      const client = clients.get(method.parent.typeName) as unknown as Record<string, AnyMethod>;
      const call = client[method.localName] as AnyMethod;
      const exchange: Exchange = { request, route, variables: found.variables, query, call, options: callOptions };
      if (method.methodKind === "server_streaming") return await stream(exchange);
      return await unary(exchange);
    } catch (error) {
      return { ...refusal(request, error), route };
    }
  }

  function refuseRoute(httpMethod: string, path: string): HttpResponse {
    const allowed = router.allowed(path);
    if (allowed.length === 0) throw notFound();
    const all = [...new Set([...allowed, ...(allowed.includes("GET") ? ["HEAD"] : []), "OPTIONS"])].sort().join(", ");
    if (httpMethod !== "OPTIONS") throw methodNotAllowed(all);
    return { status: 204, headers: { allow: all }, body: "" };
  }

  async function unary(exchange: Exchange): Promise<HttpResponse> {
    const { request, route, call, options: callOptions } = exchange;
    const type = acceptable(request, [JSON_TYPE]);
    const many = route.method.methodKind === "client_streaming";
    const input = many ? requestsOf(exchange) : await requestOf(exchange);
    let headers: Metadata | undefined;
    let trailers: Metadata | undefined;
    const onHeaders = (metadata: Metadata) => {
      headers = metadata;
    };
    const onTrailers = (metadata: Metadata) => {
      trailers = metadata;
    };
    try {
      const message: Message = await call(input, { ...callOptions, onHeaders, onTrailers });
      return {
        status: 200,
        headers: { ...told(headers, trailers), "content-type": type },
        body: write(route, message),
        route,
      };
    } catch (error) {
      // A call whose stream of requests broke is cancelled; what broke it says more.
      const cause = many && "failure" in input ? (input.failure ?? error) : error;
      const answer = refusal(request, cause);
      return { ...answer, headers: { ...told(headers, trailers), ...answer.headers }, route };
    }
  }

  const told = (headers: Metadata | undefined, trailers: Metadata | undefined) => ({
    ...headersFromMetadata(headers, "grpc-metadata-"),
    ...headersFromMetadata(trailers, "grpc-trailer-"),
  });

  async function stream(exchange: Exchange): Promise<HttpResponse> {
    const { request, route, call, options: callOptions } = exchange;
    const type = acceptable(request, Object.keys(STREAM_FORMATS));
    const format = (STREAM_FORMATS[type] as () => StreamFormat)();
    const resume = type === "text/event-stream" ? resumeOf(route) : undefined;
    const input = await requestOf(exchange, resume?.parameter(request.headers));
    let headers: Metadata | undefined;
    const onHeaders = (metadata: Metadata) => {
      headers = metadata;
    };
    const responses: AsyncIterator<Message> = call(input, { ...callOptions, onHeaders })[Symbol.asyncIterator]();
    const first = responses.next();
    await settledOrLate(first, settleMs);
    if (request.method === "HEAD") await responses.return?.();
    let begun = false;
    const messages = {
      async next() {
        const result = await (begun ? responses.next() : first);
        begun = true;
        if (result.done) return { done: true as const, value: undefined };
        const { value } = result;
        return { done: false as const, value: { json: write(route, value), id: resume?.idOf(value) } };
      },
      return: () => responses.return?.() as Promise<IteratorResult<never>>,
    };
    const toErrorJson = (thrown: unknown) => JSON.stringify(statusJson(toldError(reasonOf(request, thrown))));
    return {
      status: 200,
      headers: {
        ...headersFromMetadata(headers, "grpc-metadata-"),
        "content-type": format.contentType,
        "cache-control": "no-store",
        // Proxies that gather answers would hold a stream back.
        "x-accel-buffering": "no",
      },
      body: request.method === "HEAD" ? "" : writeStream({ format, messages, toErrorJson, heartbeatMs }),
      route,
    };
  }

  async function requestOf(exchange: Exchange, more?: readonly [name: string, value: string]): Promise<Message> {
    const { request, route, variables } = exchange;
    const query = parseQuery(exchange.query);
    if (more && !query.some(([name]) => name === more[0])) query.push([...more]);
    if (route.body === undefined) {
      const bytes = await readBody(request, limits);
      if (bytes.byteLength > 0) {
        throw new StatusError("INVALID_ARGUMENT", "this method takes no body", { reason: "BODY_UNEXPECTED" });
      }
    }
    const body = route.body === undefined ? undefined : await readJsonBody(request, limits);
    return requestFromHttp({ route, variables, query, body }, options.request);
  }

  function requestsOf({ request, route, query }: Exchange): AsyncIterable<Message> & { failure?: unknown } {
    const kind = bodyKind(request.headers, { lines: true });
    if (parseQuery(query).length > 0) {
      throw new StatusError("INVALID_ARGUMENT", "a stream of requests takes nothing from the query", {
        reason: "QUERY_INVALID",
      });
    }
    const { input } = route.method;
    const requests = {
      failure: undefined as unknown,
      async *[Symbol.asyncIterator]() {
        try {
          for await (const text of splitMessages(chunksOf(request), { kind, maxBytes })) {
            const { json, exact } = parseJson(text);
            yield messageFromJson(input, exact ? settleNumbers(input, json) : json, options.request);
          }
        } catch (error) {
          requests.failure = error;
          throw error;
        }
      },
    };
    return requests;
  }

  return {
    routes,
    async handle(request) {
      try {
        return await serve(request);
      } catch (error) {
        return refusal(request, error);
      }
    },
  };
}

/** Who ends a request by its signal may say why: a server that closes. */
const reasonOf = ({ signal }: HttpRequest, thrown: unknown): unknown =>
  signal.reason instanceof StatusError ? signal.reason : thrown;

function refusal(request: HttpRequest, error: unknown): HttpResponse {
  const problem = asksFor(headerOf(request.headers, "accept"), PROBLEM_JSON);
  return { ...errorResponse(reasonOf(request, error), { problem }), error };
}

function acceptable(request: HttpRequest, offers: readonly string[]): string {
  const type = negotiate(headerOf(request.headers, "accept"), offers);
  // Who asks for problems takes answers too: there is no other type of them.
  if (type === undefined && asksFor(headerOf(request.headers, "accept"), PROBLEM_JSON)) return offers[0] as string;
  if (type === undefined) throw notAcceptable(offers);
  return type;
}

function splitUrl(url: string): { path: string; query: string } {
  const target = /^https?:\/\//i.test(url) ? url.replace(/^https?:\/\/[^/?#]*/i, "") : url;
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  return { path: path === "" ? "/" : path, query: mark === -1 ? "" : target.slice(mark + 1) };
}

/** Waits until the first message is there, or the error, which is thrown; but not longer than this. */
async function settledOrLate(first: Promise<unknown>, timeoutMs: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, timeoutMs);
  first.catch(() => {});
  try {
    await Promise.race([first, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
