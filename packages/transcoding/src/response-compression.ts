import type { Transform } from "node:stream";
import { promisify } from "node:util";
import {
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzip,
  zstdCompress,
} from "node:zlib";
import { headerOf } from "./header-metadata.ts";
import { type HandleRequest, type HttpResponse, isWhole, type WholeBody } from "./http-message.ts";
import { negotiateCoding } from "./media-type.ts";

interface Coding {
  /** In a thread of its own, so that a large body holds nobody up. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  createStream(): Transform & { flush(kind: number, callback: () => void): void };
  /** Sends what is there without an end to it. */
  readonly flush: number;
}

/** Where it matters that an answer is made now and sent once: about as small as gzip at its best, in a fraction of its time. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
/** A stream keeps its window for as long as it lasts: 64 KiB, where the default is 4 MiB. */
const BROTLI_STREAM = { params: { ...BROTLI.params, [constants.BROTLI_PARAM_LGWIN]: 16 } };
const ZSTD_STREAM = { params: { [constants.ZSTD_c_windowLog]: 16 } };

const CODINGS: Readonly<Record<string, Coding>> = {
  zstd: {
    compress: promisify(zstdCompress),
    createStream: () => createZstdCompress(ZSTD_STREAM),
    flush: constants.ZSTD_e_flush,
  },
  br: {
    compress: (bytes) => promisify(brotliCompress)(bytes, BROTLI),
    createStream: () => createBrotliCompress(BROTLI_STREAM),
    flush: constants.BROTLI_OPERATION_FLUSH,
  },
  gzip: {
    compress: promisify(gzip),
    createStream: () => createGzip(),
    flush: constants.Z_SYNC_FLUSH,
  },
};

/** What is text. Pictures and archives are small already; Connect and gRPC-Web compress their own messages. */
const COMPRESSIBLE =
  /^(?:text\/[\w.+-]+|image\/svg\+xml|application\/(?!connect\+|grpc)(?:[\w.-]+\+)?(?:json|xml|x-ndjson|javascript|wasm|manifest))\b/;

export interface CompressionOptions {
  /** Smallest body that is compressed; by default 1400: one that is smaller is one packet either way. */
  minBytes?: number;
}

/**
 * Compresses answers as the client accepts it (RFC 9110, 12.5.3): Zstandard, Brotli or gzip. Each part of a stream is sent at
 * once. An answer that says `no-transform` or has a coding already is left as it is; an etag becomes a weak one. One that is
 * lasting is compressed once.
 */
export function withCompression(handle: HandleRequest, { minBytes = 1400 }: CompressionOptions = {}): HandleRequest {
  const compress = keepLasting();
  return async (request) => {
    const response = await handle(request);
    const { headers, body, status } = response;
    if (!COMPRESSIBLE.test(headers["content-type"] ?? "") || headers["content-encoding"] !== undefined) return response;
    if (headers["cache-control"]?.includes("no-transform")) return response;
    const vary = headers.vary === undefined ? "accept-encoding" : `${headers.vary}, accept-encoding`;
    const plain = { ...response, headers: { ...headers, vary } };
    const small = isWhole(body) && Buffer.byteLength(body) < minBytes;
    const name = negotiateCoding(headerOf(request.headers, "accept-encoding"), Object.keys(CODINGS));
    if (name === undefined || small || request.method === "HEAD" || status === 206) return plain;
    const coding = CODINGS[name] as Coding;
    const encoded: HttpResponse = { ...plain, headers: encodedHeaders(plain.headers, name) };
    if (!isWhole(body)) return { ...encoded, body: compressParts(body, coding) };
    const compressed = await compress(response, name);
    return compressed.byteLength < Buffer.byteLength(body) ? { ...encoded, body: compressed } : plain;
  };
}

type Compress = (response: HttpResponse, coding: string) => Promise<Uint8Array>;

const compressBody: Compress = ({ body }, coding) =>
  (CODINGS[coding] as Coding).compress(Buffer.from(body as Uint8Array));

function keepLasting(): Compress {
  const kept = new WeakMap<HttpResponse, Map<string, Promise<Uint8Array>>>();
  return (response, coding) => {
    if (!response.lasting) return compressBody(response, coding);
    const forms = kept.get(response) ?? new Map<string, Promise<Uint8Array>>();
    kept.set(response, forms);
    const form = forms.get(coding) ?? compressBody(response, coding);
    forms.set(coding, form);
    return form;
  };
}

function encodedHeaders(headers: HttpResponse["headers"], coding: string): HttpResponse["headers"] {
  const { "content-length": _, etag, ...rest } = headers;
  const weak = etag === undefined || etag.startsWith("W/") ? etag : `W/${etag}`;
  return { ...rest, ...(weak !== undefined && { etag: weak }), "content-encoding": coding };
}

async function* compressParts(parts: AsyncIterable<WholeBody>, coding: Coding): AsyncGenerator<Uint8Array> {
  const stream = coding.createStream();
  const chunks: Uint8Array[] = [];
  stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const failed = new Promise<never>((_, reject) => stream.once("error", reject));
  failed.catch(() => {});
  const take = () => Buffer.concat(chunks.splice(0));
  try {
    for await (const part of parts) {
      stream.write(part);
      await Promise.race([failed, new Promise<void>((resolve) => stream.flush(coding.flush, resolve))]);
      if (chunks.length > 0) yield take();
    }
    await Promise.race([failed, new Promise<void>((resolve) => stream.once("end", resolve).end())]);
    yield take();
  } finally {
    stream.destroy();
  }
}
