import type { IncomingMessage, ServerResponse } from "node:http";
import { type HandleRequest, type HttpResponse, isWhole } from "./http-message.ts";

/** For Node's own HTTP server, and for whatever takes its listeners: `createServer(toNodeListener(transcoder.handle))`. */
export function toNodeListener(
  handle: HandleRequest,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    const left = new AbortController();
    // A response closes at its good end too, and an abort that nobody hears costs as much as one.
    outgoing.on("close", () => outgoing.writableFinished || left.abort(new Error("the client has left")));
    // Who has left is told nothing, and an error without a listener would end the process.
    outgoing.on("error", () => {});
    const answer = await handle({
      method: incoming.method ?? "GET",
      url: incoming.url ?? "/",
      headers: incoming.headers,
      peer: incoming.socket.remoteAddress,
      body: hasBody(incoming) ? incoming : undefined,
      signal: left.signal,
      abort: (reason) => left.abort(reason),
    });
    await sendAnswer(outgoing, answer);
    // What was not read of the body is not waited for, nor is the connection used again.
    if (!incoming.complete) incoming.resume();
  };
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

/** Writes an answer as fast as the client reads it; resolves when it is written, or the client has left. */
export async function sendAnswer(outgoing: ServerResponse, { status, headers, body }: HttpResponse): Promise<void> {
  const head = outgoing.req.method === "HEAD";
  if (isWhole(body)) {
    const length = status === 204 || status === 304 ? {} : { "content-length": Buffer.byteLength(body) };
    const incomplete = outgoing.req.complete ? {} : { connection: "close" };
    outgoing.writeHead(status, { ...headers, ...length, ...incomplete });
    outgoing.end(head ? undefined : body);
    return;
  }
  const parts = body[Symbol.asyncIterator]();
  outgoing.writeHead(status, headers);
  if (head) {
    outgoing.end();
    void parts.return?.();
    return;
  }
  outgoing.flushHeaders();
  try {
    for await (const part of { [Symbol.asyncIterator]: () => parts }) {
      if (outgoing.destroyed) break;
      if (!outgoing.write(part)) await drained(outgoing);
    }
    outgoing.end();
  } catch {
    // A body that breaks off must not look whole.
    outgoing.destroy();
  }
}

/** Resolves when the client has read, and when it has left. */
const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    if (outgoing.destroyed) return resolve();
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
