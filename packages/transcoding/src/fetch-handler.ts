import type { HttpRequest, HttpResponse } from "./http-message.ts";

/** For whatever speaks the web's Request and Response. */
export function toFetch(
  handle: (request: HttpRequest) => Promise<HttpResponse>,
): (request: Request) => Promise<Response> {
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
    // 204 has no body, not even an empty one.
    if (status === 204) return new Response(null, { status, headers });
    return new Response(typeof body === "string" ? body : streamOf(body, left), { status, headers });
  };
}

/** Parts are made as they are read. Who stops reading has left: the call ends at once, not with its next message. */
function streamOf(body: AsyncIterable<string>, left: AbortController): ReadableStream<Uint8Array> {
  const parts = body[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel(reason) {
      left.abort(reason);
      void parts.return?.();
    },
  });
}
