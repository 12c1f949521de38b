import { Readable } from "node:stream";
import { StatusError } from "@tenon/errors";
import { decoded, isEncoded } from "./content-coding.ts";
import { headerOf } from "./header-metadata.ts";
import type { HttpRequest } from "./http-message.ts";
import { bodyTooLarge, requestTimeout, unsupportedMediaType } from "./http-refusal.ts";
import { decodeUtf8, type ParsedJson, parseJson } from "./json-text.ts";
import { parseMediaType } from "./media-type.ts";

export interface BodyLimits {
  /** Largest body of one message, and largest message of a stream. */
  maxBytes: number;
  /** For the whole body of one message. */
  timeoutMs: number;
}

/** curl's `-d` says the second of JSON too, so it is taken for JSON; forms are not. */
const JSON_TYPES = ["application/json", "application/x-www-form-urlencoded"];
const LINE_TYPES = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

/**
 * How the body is written: `json`, or `lines` of JSON. Throws 415 for what is neither, or in another character set
 * than UTF-8. Without a type it is JSON.
 */
export function bodyKind(headers: HttpRequest["headers"], { lines }: { lines: boolean }): "json" | "lines" {
  const accepted = lines ? "application/x-ndjson, application/json" : "application/json";
  const header = headerOf(headers, "content-type");
  if (header === undefined || header === "") return "json";
  const media = parseMediaType(header);
  const charset = media?.parameters.get("charset") ?? "utf-8";
  if (!["utf-8", "utf8", "us-ascii"].includes(charset)) {
    throw unsupportedMediaType("the character set is not UTF-8", `${accepted} in UTF-8`);
  }
  if (media && (JSON_TYPES.includes(media.type) || media.type.endsWith("+json"))) return "json";
  if (media && lines && LINE_TYPES.includes(media.type)) return "lines";
  throw unsupportedMediaType("the body has a type that is not taken", accepted);
}

/** The whole body; undefined where there is none. Throws 413 and 408 by the limits, INVALID_ARGUMENT where it is no JSON. */
export async function readJsonBody(request: HttpRequest, limits: BodyLimits): Promise<ParsedJson | undefined> {
  const bytes = await readBody(request, limits);
  if (bytes.byteLength === 0) return undefined;
  bodyKind(request.headers, { lines: false });
  return parseJson(decodeUtf8(bytes));
}

/** The chunks of a body. One that breaks off, because the client has left, throws CANCELLED. */
export async function* chunksOf({ body }: HttpRequest): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  try {
    yield* body;
  } catch (cause) {
    throw brokenOff(cause);
  }
}

const brokenOff = (cause: unknown) => new StatusError("CANCELLED", "the body broke off", { cause });

/** A body that is to be there in time: 408 after that. */
export async function* inTime(parts: AsyncIterable<Uint8Array>, timeoutMs: number): AsyncGenerator<Uint8Array> {
  const body = parts[Symbol.asyncIterator]();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(requestTimeout()), timeoutMs);
  try {
    while (true) {
      const { done, value } = await Promise.race([body.next(), late.promise]);
      if (done) return;
      yield value;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: what does not come does not come to an end either.
    void body.return?.(undefined).catch(() => {});
  }
}

/** The bytes of a body, decompressed: both what comes and what it grows to are bounded. */
export async function readBody(request: HttpRequest, { maxBytes, timeoutMs }: BodyLimits): Promise<Buffer> {
  const { body, headers } = request;
  if (body === undefined) return Buffer.alloc(0);
  if (Number(headerOf(headers, "content-length") ?? 0) > maxBytes) throw bodyTooLarge(maxBytes);
  if (body instanceof Readable && !isEncoded(headers)) return hear(body, { maxBytes, timeoutMs });
  const parts = decoded(request, chunksOf(request), maxBytes)[Symbol.asyncIterator]();
  // As inTime does, but waited for once and not for each chunk.
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(requestTimeout()), timeoutMs);
  try {
    return await Promise.race([gather(parts, maxBytes), late.promise]);
  } finally {
    clearTimeout(timer);
    void parts.return?.(undefined).catch(() => {});
  }
}

/** A stream of Node's is heard by its events: to iterate it costs more than all else that is done for a small body. */
function hear(body: Readable, { maxBytes, timeoutMs }: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer) => {
      length += chunk.byteLength;
      if (length > maxBytes) refuse(bodyTooLarge(maxBytes));
      else chunks.push(chunk);
    };
    const onEnd = () => {
      stop();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
    };
    const onLeft = (cause?: unknown) => refuse(brokenOff(cause));
    const refuse = (error: unknown) => {
      stop();
      body.pause();
      reject(error);
    };
    const stop = () => {
      clearTimeout(timer);
      body.off("data", onData).off("end", onEnd).off("error", onLeft).off("close", onLeft);
    };
    const timer = setTimeout(() => refuse(requestTimeout()), timeoutMs);
    if (body.destroyed) onLeft(body.errored);
    else body.on("end", onEnd).on("error", onLeft).on("close", onLeft).on("data", onData);
  });
}

async function gather(parts: AsyncIterator<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const { done, value } = await parts.next();
    if (done) return chunks.length === 1 ? Buffer.from(chunks[0] as Uint8Array) : Buffer.concat(chunks);
    length += value.byteLength;
    if (length > maxBytes) throw bodyTooLarge(maxBytes);
    chunks.push(value);
  }
}
