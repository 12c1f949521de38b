import type { DescMessage, Message } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { decoded } from "./content-coding.ts";
import { settleNumbers } from "./exact-number.ts";
import { rawMessage, rawRequest } from "./http-body.ts";
import type { Exchange, ExchangeRules } from "./http-exchange.ts";
import type { HttpRequest } from "./http-message.ts";
import type { HttpRoute } from "./http-routes.ts";
import { messageFromJson } from "./json-message.ts";
import { splitMessages } from "./json-stream.ts";
import { parseJson } from "./json-text.ts";
import { parseQuery } from "./query-text.ts";
import { bodyKind, chunksOf } from "./request-body.ts";
import type { RequestMappingOptions } from "./request-mapping.ts";

/** Requests that may break off: the call is then cancelled, and what broke it says more than that. */
export type RequestStream = AsyncIterable<Message> & { failure?: unknown };

/** The messages of a body, as they come in. Throws 415 before the first where the body is of a type that is not taken. */
export function requestsOf(exchange: Exchange, { limits, mapping }: ExchangeRules): RequestStream {
  const { request, route, query } = exchange;
  assertNoQuery(query);
  const raw = rawRequest(route);
  const body = decoded(request, chunksOf(request), limits.maxBytes);
  const messages = raw ? rawMessages(raw, request, body) : jsonMessages();
  const requests: RequestStream = {
    failure: undefined,
    async *[Symbol.asyncIterator]() {
      try {
        yield* messages;
      } catch (error) {
        requests.failure = error;
        throw error;
      }
    },
  };
  return requests;

  function jsonMessages(): AsyncIterable<Message> {
    const kind = bodyKind(request.headers, { lines: true });
    return textMessages(splitMessages(body, { kind, maxBytes: limits.maxBytes }));
  }

  async function* textMessages(texts: AsyncIterable<string>): AsyncGenerator<Message> {
    for await (const text of texts) yield messageOfText(route, text, mapping);
  }
}

/** So much of a raw body is one message at most. */
const RAW_PART_BYTES = 64 * 1024;

/** A raw body in parts, of which the first has the content type. */
async function* rawMessages(
  desc: DescMessage,
  request: HttpRequest,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Message> {
  let { headers } = request;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; at += RAW_PART_BYTES) {
      yield rawMessage(desc, headers, chunk.subarray(at, at + RAW_PART_BYTES));
      headers = {};
    }
  }
}

/** One message of a stream from its JSON. Throws INVALID_ARGUMENT. */
export function messageOfText({ method: { input } }: HttpRoute, text: string, mapping: RequestMappingOptions): Message {
  const { json, exact } = parseJson(text);
  return messageFromJson(input, exact ? settleNumbers(input, json) : json, mapping);
}

/** No one message of a stream is the one that a query would be a part of. */
export function assertNoQuery(query: string): void {
  if (parseQuery(query).length === 0) return;
  throw new StatusError("INVALID_ARGUMENT", "a stream of requests takes nothing from the query", {
    reason: "QUERY_INVALID",
  });
}
