import type { Message } from "@bufbuild/protobuf";
import { JSON_TYPE } from "./error-response.ts";
import { applyIfMatch, etagOf, isUnmodified, withPrecondition } from "./etag.ts";
import { isRawResponse, rawBodyOf } from "./http-body.ts";
import { acceptable, type Exchange, type ExchangeRules, receiveMetadata, refusal, requestOf } from "./http-exchange.ts";
import type { HttpResponse } from "./http-message.ts";
import { requestsOf } from "./request-stream.ts";

/** Answers by a call with one response: to one request, or to a stream of them. */
export async function answerMessage(exchange: Exchange, rules: ExchangeRules): Promise<HttpResponse> {
  const { request, route, call, options } = exchange;
  const raw = isRawResponse(route);
  if (!raw) acceptable(request, [JSON_TYPE]);
  const many = route.method.methodKind === "client_streaming";
  const input = many ? requestsOf(exchange, rules) : await requestOf(exchange, rules);
  if (!many) applyIfMatch(request, route, input as Message);
  const metadata = receiveMetadata();
  try {
    const message: Message = await call(input, { ...options, ...metadata.options });
    const etag = etagOf(route, message);
    const headers = { ...metadata.toHeaders(), ...(etag !== undefined && { etag }) };
    if (isUnmodified(request, etag)) return { status: 304, headers, body: "", route };
    const { contentType, data } = raw
      ? rawBodyOf(route, message)
      : { contentType: JSON_TYPE, data: rules.write(route, message) };
    return { status: 200, headers: { ...headers, "content-type": contentType }, body: data, route };
  } catch (error) {
    const cause = many && "failure" in input ? (input.failure ?? error) : error;
    const answer = refusal(request, withPrecondition(request, cause));
    return { ...answer, headers: { ...metadata.toHeaders(), ...answer.headers }, route };
  }
}
