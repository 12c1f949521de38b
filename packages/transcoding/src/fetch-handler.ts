import type { HttpRequest, HttpResponse } from "./http-message.ts";

/** For whatever speaks the web's Request and Response. */
export function toFetch(
  handle: (request: HttpRequest) => Promise<HttpResponse>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const { status, headers, body } = await handle({
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: request.body ?? undefined,
      signal: request.signal,
    });
    // 204 has no body, not even an empty one.
    if (status === 204) return new Response(null, { status, headers });
    return new Response(typeof body === "string" ? body : ReadableStream.from(encoded(body)), { status, headers });
  };
}

async function* encoded(parts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const part of parts) yield encoder.encode(part);
}
