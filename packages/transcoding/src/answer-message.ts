import type { Message } from "@bufbuild/protobuf";
import { JSON_TYPE } from "./error-response.ts";
import { acceptable, type Exchange, type ExchangeRules, receiveMetadata, refusal, requestOf } from "./http-exchange.ts";
import type { HttpResponse } from "./http-message.ts";
import { requestsOf } from "./request-stream.ts";

/** Answers by a call with one response: to one request, or to a stream of them. */
export async function answerMessage(exchange: Exchange, rules: ExchangeRules): Promise<HttpResponse> {
  const { request, route, call, options } = exchange;
  const type = acceptable(request, [JSON_TYPE]);
  const many = route.method.methodKind === "client_streaming";
  const input = many ? requestsOf(exchange, rules) : await requestOf(exchange, rules);
  const metadata = receiveMetadata();
  try {
    const message: Message = await call(input, { ...options, ...metadata.options });
    const headers = { ...metadata.toHeaders(), "content-type": type };
    return { status: 200, headers, body: rules.write(route, message), route };
  } catch (error) {
    const cause = many && "failure" in input ? (input.failure ?? error) : error;
    const answer = refusal(request, cause);
    return { ...answer, headers: { ...metadata.toHeaders(), ...answer.headers }, route };
  }
}
