import type { Message } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { CallOptions, Metadata } from "@tenon/grpc";
import { errorResponse, PROBLEM_JSON } from "./error-response.ts";
import { headerOf, headersFromMetadata } from "./header-metadata.ts";
import { rawMessage, rawRequest } from "./http-body.ts";
import type { HttpRequest, HttpResponse } from "./http-message.ts";
import { notAcceptable } from "./http-refusal.ts";
import type { HttpRoute } from "./http-routes.ts";
import { asksFor, negotiate } from "./media-type.ts";
import { parseQuery } from "./query-text.ts";
import { type BodyLimits, readBody, readJsonBody } from "./request-body.ts";
import { type RequestMappingOptions, requestFromHttp } from "./request-mapping.ts";
import type { ResponseWriter } from "./response-json.ts";

// biome-ignore lint/suspicious/noExplicitAny: called by descriptor, so that no type is known
export type AnyMethod = (request: any, options: CallOptions) => any;

/** A request with the route that it has found and the call that is to answer it. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly route: HttpRoute;
  /** Of the path, decoded. */
  readonly variables: readonly (readonly [fieldPath: string, text: string])[];
  /** Undecoded. */
  readonly query: string;
  readonly call: AnyMethod;
  /** Metadata, deadline and signal, as the request has them. */
  readonly options: CallOptions;
}

/** What all exchanges of a transcoder have in common. */
export interface ExchangeRules {
  readonly limits: BodyLimits;
  readonly mapping: RequestMappingOptions;
  readonly write: ResponseWriter;
  readonly heartbeatMs: number;
  readonly settleMs: number;
}

/** The one request message of path, query and body; `more` is a parameter that the query would have, were it not given. */
export async function requestOf(
  exchange: Exchange,
  { limits, mapping }: ExchangeRules,
  more?: readonly [name: string, value: string],
): Promise<Message> {
  const { request, route, variables } = exchange;
  const query = parseQuery(exchange.query);
  if (more && !query.some(([name]) => name === more[0])) query.push([...more]);
  const parts = { route, variables, query };
  const raw = rawRequest(route);
  if (raw) {
    const body = rawMessage(raw, request.headers, await readBody(request, limits));
    return withBody(route, requestFromHttp({ ...parts, body: undefined }, mapping), body);
  }
  if (route.body !== undefined)
    return requestFromHttp({ ...parts, body: await readJsonBody(request, limits) }, mapping);
  const bytes = await readBody(request, limits);
  if (bytes.byteLength > 0) {
    throw new StatusError("INVALID_ARGUMENT", "this method takes no body", { reason: "BODY_UNEXPECTED" });
  }
  return requestFromHttp({ ...parts, body: undefined }, mapping);
}

/** A raw body is the request, or a field of it. */
function withBody({ body: place }: HttpRoute, message: Message, body: Message): Message {
  if (typeof place !== "object") return body;
  const { oneof, localName } = place;
  return Object.assign(
    message,
    oneof ? { [oneof.localName]: { case: localName, value: body } } : { [localName]: body },
  );
}

/** The type of the answer that the client likes best. Throws 406 where it takes none. */
export function acceptable(request: HttpRequest, offers: readonly string[]): string {
  const type = negotiate(headerOf(request.headers, "accept"), offers);
  // Who asks for problems takes answers too: there is no other type of them.
  if (type === undefined && asksFor(headerOf(request.headers, "accept"), PROBLEM_JSON)) return offers[0] as string;
  if (type === undefined) throw notAcceptable(offers);
  return type;
}

/** Who ends a request by its signal may say why: a server that closes. */
export const reasonOf = ({ signal }: HttpRequest, thrown: unknown): unknown =>
  signal.reason instanceof StatusError ? signal.reason : thrown;

/** The answer to a request that failed. */
export function refusal(request: HttpRequest, error: unknown): HttpResponse {
  const problem = asksFor(headerOf(request.headers, "accept"), PROBLEM_JSON);
  return { ...errorResponse(reasonOf(request, error), { problem }), outcome: { error } };
}

/** Takes in what a call says beside its messages. */
export function receiveMetadata(): {
  readonly options: Pick<CallOptions, "onHeaders" | "onTrailers">;
  /** What of it has come, as headers of the answer. */
  toHeaders(): Record<string, string>;
} {
  let headers: Metadata | undefined;
  let trailers: Metadata | undefined;
  return {
    options: {
      onHeaders(metadata) {
        headers = metadata;
      },
      onTrailers(metadata) {
        trailers = metadata;
      },
    },
    toHeaders: () => ({
      ...headersFromMetadata(headers, "grpc-metadata-"),
      ...headersFromMetadata(trailers, "grpc-trailer-"),
    }),
  };
}
