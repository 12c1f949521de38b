import { type HandleRequest, isWhole, type WholeBody } from "./http-message.ts";

/** For whatever speaks the web's Request and Response. */
export function toFetch(handle: HandleRequest): (request: Request) => Promise<Response> {
  return async (request) => {
    const left = new AbortController();
    request.signal.addEventListener("abort", () => left.abort(request.signal.reason), { once: true });
    if (request.signal.aborted) left.abort(request.signal.reason);
    const { status, headers, body } = await handle({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: request.body ?? undefined,
      signal: left.signal,
    });
    // These have no body, not even an empty one.
    const bare = status === 204 || status === 304 || request.method === "HEAD";
    if (bare && !isWhole(body)) void body[Symbol.asyncIterator]().return?.();
    if (bare) return new Response(null, { status, headers });
    return new Response(isWhole(body) ? toBodyInit(body) : streamOf(body, left), { status, headers });
  };
}

/** Parts are made as they are read. Who stops reading has left: the call ends at once, not with its next message. */
function streamOf(body: AsyncIterable<WholeBody>, left: AbortController): ReadableStream<Uint8Array> {
  const parts = body[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
    },
    cancel(reason) {
      left.abort(reason);
      void parts.return?.();
    },
  });
}

/** The bytes are a part of something else, such as a message as it came in. */
const toBodyInit = (body: WholeBody) => (typeof body === "string" ? body : new Uint8Array(body));
