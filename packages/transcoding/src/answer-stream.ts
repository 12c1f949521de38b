import type { Message } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { statusJson, toldError } from "./error-response.ts";
import { rawBodyOf } from "./http-body.ts";
import {
  acceptable,
  type Exchange,
  type ExchangeRules,
  reasonOf,
  receiveMetadata,
  requestOf,
} from "./http-exchange.ts";
import type { HttpResponse, Outcome } from "./http-message.ts";
import { resumeOf } from "./resume.ts";
import { STREAM_FORMATS, type StreamFormat, writeStream } from "./stream-response.ts";

/**
 * Answers by a call with a stream of responses. An error within `settleMs` is thrown and has an HTTP status of its own, a
 * later one is the last thing in the stream.
 */
export async function answerStream(exchange: Exchange, rules: ExchangeRules): Promise<HttpResponse> {
  const { request, route, call, options } = exchange;
  const type = acceptable(request, Object.keys(STREAM_FORMATS));
  const format = (STREAM_FORMATS[type] as () => StreamFormat)();
  const resume = type === "text/event-stream" ? resumeOf(route) : undefined;
  const input = await requestOf(exchange, rules, resume?.parameter(request.headers));
  const metadata = receiveMetadata();
  const responses: AsyncIterator<Message> = call(input, { ...options, ...metadata.options })[Symbol.asyncIterator]();
  const first = responses.next();
  await settledOrLate(first, rules.settleMs);
  if (request.method === "HEAD") await responses.return?.();
  let begun = false;
  const outcome: Outcome = {};
  const messages = {
    async next() {
      const result = await (begun ? responses.next() : first);
      begun = true;
      if (result.done) return { done: true as const, value: undefined };
      const { value } = result;
      return { done: false as const, value: { json: rules.write(route, value), id: resume?.idOf(value) } };
    },
    return() {
      outcome.error ??= hasLeft();
      return responses.return?.() as Promise<IteratorResult<never>>;
    },
  };
  const toErrorJson = (thrown: unknown) => {
    outcome.error = reasonOf(request, thrown);
    return JSON.stringify(statusJson(toldError(outcome.error)));
  };
  const { heartbeatMs } = rules;
  return {
    status: 200,
    headers: {
      ...metadata.toHeaders(),
      "content-type": format.contentType,
      "cache-control": "no-store",
      // Proxies that gather answers would hold a stream back.
      "x-accel-buffering": "no",
    },
    body: request.method === "HEAD" ? "" : writeStream({ format, messages, toErrorJson, heartbeatMs }),
    route,
    outcome,
  };
}

/**
 * Answers by a call with a stream of google.api.HttpBody: their data as one body, of the type that the first says. There is no
 * place in it for an error, so that one behind the first message breaks the body off.
 */
export async function answerRawStream(exchange: Exchange, rules: ExchangeRules): Promise<HttpResponse> {
  const { request, route, call, options } = exchange;
  const input = await requestOf(exchange, rules);
  const metadata = receiveMetadata();
  const responses: AsyncIterator<Message> = call(input, { ...options, ...metadata.options })[Symbol.asyncIterator]();
  const first = await responses.next();
  const outcome: Outcome = {};
  const { contentType } = rawBodyOf(route, first.value ?? ({} as Message));
  if (request.method === "HEAD") await responses.return?.();
  return {
    status: 200,
    headers: { ...metadata.toHeaders(), "content-type": contentType, "x-accel-buffering": "no" },
    body: request.method === "HEAD" ? "" : rawParts(),
    route,
    outcome,
  };

  async function* rawParts(): AsyncGenerator<Uint8Array> {
    let over = false;
    try {
      for (let next = first; !next.done; next = await responses.next()) yield rawBodyOf(route, next.value).data;
      over = true;
    } catch (thrown) {
      outcome.error = reasonOf(request, thrown);
      throw thrown;
    } finally {
      if (!over) outcome.error ??= hasLeft();
      if (!over) await responses.return?.();
    }
  }
}

const hasLeft = () => new StatusError("CANCELLED", "the client has left");

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
