import type { Message } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { settleNumbers } from "./exact-number.ts";
import type { Exchange, ExchangeRules } from "./http-exchange.ts";
import type { HttpRoute } from "./http-routes.ts";
import { messageFromJson } from "./json-message.ts";
import { splitMessages } from "./json-stream.ts";
import { parseJson } from "./json-text.ts";
import { parseQuery } from "./query-text.ts";
import { bodyKind, chunksOf } from "./request-body.ts";
import type { RequestMappingOptions } from "./request-mapping.ts";

/** Requests that may break off: the call is then cancelled, and what broke it says more than that. */
export type RequestStream = AsyncIterable<Message> & { failure?: unknown };

/** The messages of a body, as they come in. */
export function requestsOf({ request, route, query }: Exchange, { limits, mapping }: ExchangeRules): RequestStream {
  assertNoQuery(query);
  const kind = bodyKind(request.headers, { lines: true });
  const requests: RequestStream = {
    failure: undefined,
    async *[Symbol.asyncIterator]() {
      try {
        for await (const text of splitMessages(chunksOf(request), { kind, maxBytes: limits.maxBytes })) {
          yield messageOfText(route, text, mapping);
        }
      } catch (error) {
        requests.failure = error;
        throw error;
      }
    },
  };
  return requests;
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
