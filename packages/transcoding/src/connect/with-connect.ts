import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { DescMethod } from "@bufbuild/protobuf";
import {
  ConnectError,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type MethodImpl,
} from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { StatusError } from "@tenon/errors";
import type { CallOptions } from "@tenon/grpc";
import { invalidHeader } from "../header-metadata.ts";
import { reasonOf, refusal } from "../http-exchange.ts";
import type { HandleRequest, HttpRequest, HttpResponse, Outcome } from "../http-message.ts";
import { splitUrl } from "../http-message.ts";
import { methodNotAllowed, unsupportedMediaType, upgradeRequired } from "../http-refusal.ts";
import type { HttpRoute } from "../http-routes.ts";
import { parsePathTemplate } from "../path-template.ts";
import { chunksOf, inTime } from "../request-body.ts";
import type { Transcoder } from "../transcoder.ts";
import { toConnectError } from "./connect-error.ts";
import { addToHeaders, metadataFromRpcHeaders } from "./connect-metadata.ts";
import { withGrpcWebText } from "./grpc-web-text.ts";
import { toldOutcome } from "./told-outcome.ts";

/** Longer ones overflow a timer, which then fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1000;

const asked = createContextKey<HttpRequest | undefined>(undefined);
/** What becomes of a request behind Connect's handlers, which may refuse it before they call. */
interface Progress {
  readonly outcome: Outcome;
  called: boolean;
}
const ended = createContextKey<Progress>({ outcome: {}, called: false });

/**
 * The Connect protocol and gRPC-Web at `/<service>/<method>`, by Connect's own handlers, for the methods that have a route;
 * all else is the transcoder's. A method that talks both ways at once needs HTTP/2 for either, or a WebSocket at its route.
 */
export function withConnect(transcoder: Transcoder): HandleRequest {
  const { limits, mapping } = transcoder.rules;
  const router = createConnectRouter({
    grpc: false,
    acceptCompression: [compressionGzip, BROTLI],
    readMaxBytes: limits.maxBytes,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    jsonOptions: { ignoreUnknownFields: mapping.unknownFields === "ignore" },
  });
  const methods = new Set(transcoder.routes.map(({ method }) => method));
  for (const method of methods) router.rpc(method, implementationOf(method, transcoder));
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const routes = new Map([...handlers].map(([path, { method }]) => [path, routeOf(path, method)]));

  return withGrpcWebText(async (request) => {
    const { path } = splitUrl(request.url);
    const handler = handlers.get(path);
    const route = routes.get(path);
    if (handler === undefined || route === undefined) return transcoder.handle(request);
    const { method, allowedMethods } = handler;
    const body = chunksOf(request);
    const isStream = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
    const progress: Progress = { outcome: {}, called: false };
    try {
      const answer = await handler({
        httpVersion: "1.1",
        method: request.method,
        url: `http://gateway${request.url.slice(request.url.indexOf(path))}`,
        header: toHeaders(request),
        body: toConnectErrors(isStream ? body : inTime(body, limits.timeoutMs)),
        signal: request.signal,
        contextValues: createContextValues().set(asked, request).set(ended, progress),
      });
      if (answer.status === 500 && !progress.called) return { ...undecodable(), route };
      const told = await toResponse(answer, request, allowedMethods);
      return toldOutcome({ ...told, route, outcome: told.outcome ?? progress.outcome });
    } catch (error) {
      return { ...refusal(request, error), route };
    }
  });
}

/** Calls the backend, whichever of the two protocols asks. */
function implementationOf<M extends DescMethod>(method: M, transcoder: Transcoder): MethodImpl<M> {
  const call = transcoder.callOf(method);
  const optionsOf = (context: HandlerContext): CallOptions => ({
    signal: context.signal,
    timeoutMs: context.timeoutMs(),
    metadata: metadataFromRpcHeaders(Object.fromEntries(context.requestHeader), context.values.get(asked)?.peer),
    onHeaders: (metadata) => addToHeaders(context.responseHeader, metadata),
    onTrailers: (metadata) => addToHeaders(context.responseTrailer, metadata),
  });
  const errorOf = (thrown: unknown, { signal, values }: HandlerContext): ConnectError => {
    values.get(ended).outcome.error = signal.reason instanceof StatusError ? signal.reason : thrown;
    if (signal.reason instanceof ConnectError) return signal.reason;
    const request = values.get(asked);
    return toConnectError(request ? reasonOf(request, thrown) : thrown);
  };
  const one = async (input: unknown, context: HandlerContext) => {
    context.values.get(ended).called = true;
    try {
      return await call(input, optionsOf(context));
    } catch (error) {
      throw errorOf(error, context);
    }
  };
  async function* many(input: unknown, context: HandlerContext) {
    context.values.get(ended).called = true;
    try {
      yield* call(input, optionsOf(context));
    } catch (error) {
      throw errorOf(error, context);
    }
  }
  const streams = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
  return (streams ? many : one) as unknown as MethodImpl<M>;
}

/** For logs and metrics: what this path leads to, as a route of REST would say it. */
const routeOf = (path: string, method: DescMethod): HttpRoute => ({
  method,
  httpMethod: "POST",
  template: parsePathTemplate(path),
  variables: new Map(),
  body: "*",
  responseBody: undefined,
});

function toHeaders({ headers }: HttpRequest): Headers {
  const result = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === "string" ? [value] : (value ?? [])) append(result, name, one);
  }
  return result;
}

function append(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value);
  } catch {
    throw invalidHeader(name);
  }
}

/** To Connect's handlers bytes that are no message are a fault of the server; its other implementations blame who sent them. */
function undecodable(): HttpResponse {
  const error = new StatusError("INVALID_ARGUMENT", "the body is no message", { reason: "REQUEST_INVALID" });
  const body = JSON.stringify({ code: "invalid_argument", message: error.message });
  return { status: 400, headers: { "content-type": "application/json" }, body, outcome: { error } };
}

/** Connect's own refusals have no body, and do not say what would be taken. */
async function toResponse(
  { status, header, body }: UniversalServerResponse,
  request: HttpRequest,
  allowedMethods: readonly string[],
): Promise<HttpResponse> {
  if (status === 405) return refusal(request, methodNotAllowed(allowedMethods.join(", ")));
  if (status === 415) return refusal(request, unsupportedMediaType("the body has a type that is not taken", TYPES));
  if (status === 505) return refusal(request, upgradeRequired());
  const headers = Object.fromEntries(header ?? []);
  if (body === undefined) return { status, headers, body: "" };
  if (header?.has("content-length") !== true) return { status, headers, body };
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return { status, headers, body: Buffer.concat(parts) };
}

const TYPES =
  "application/json, application/proto, application/connect+json, application/connect+proto, application/grpc-web";

async function* toConnectErrors(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw toConnectError(error);
  }
}

const brotli = promisify(brotliCompress);

/** At the default quality, which is the highest, it takes seconds for a large message. */
const BROTLI: typeof compressionBrotli = {
  ...compressionBrotli,
  compress: async (bytes) => new Uint8Array(await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })),
};
