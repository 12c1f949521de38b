import { pipeline, Readable, type Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { StatusError } from "@tenon/errors";
import { headerOf } from "./header-metadata.ts";
import type { HttpRequest } from "./http-message.ts";
import { bodyTooLarge, HttpRefusal, unsupportedEncoding } from "./http-refusal.ts";

/** A window of 8 MiB, as RFC 9659 bounds it for HTTP: what a frame asks for beyond is memory that a client takes. */
const ZSTD_WINDOW_LOG = 23;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
};

/** Text becomes ten or twenty times smaller. What becomes so much smaller than this is made to grow. */
const MAX_RATIO = 100;

const codingOf = (headers: HttpRequest["headers"]) =>
  headerOf(headers, "content-encoding")?.trim().toLowerCase() || "identity";

/** Whether a body says that it is encoded, in whatever way. */
export const isEncoded = (headers: HttpRequest["headers"]): boolean => codingOf(headers) !== "identity";

/**
 * A body as it was before its Content-Encoding, as fast as it is read. Throws 415 for a coding that is not known, and for
 * several; 413 for a bomb, which grows beyond `maxBytes` and a hundred times what came of it; INVALID_ARGUMENT where the body is
 * not so encoded, or not whole.
 */
export function decoded(
  { headers }: HttpRequest,
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncIterable<Uint8Array> {
  const coding = codingOf(headers);
  if (coding === "identity") return body;
  const createDecoder = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
  if (createDecoder === undefined) throw unsupportedEncoding("gzip, deflate, br, zstd");
  return decode(body, createDecoder(), maxBytes);
}

async function* decode(
  body: AsyncIterable<Uint8Array>,
  decoder: Transform,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let came = 0;
  let grown = 0;
  async function* counted() {
    for await (const chunk of body) {
      came += chunk.byteLength;
      yield chunk;
    }
  }
  pipeline(Readable.from(counted(), { objectMode: false }), decoder, () => {});
  try {
    for await (const chunk of decoder) {
      grown += chunk.byteLength;
      if (grown > maxBytes + MAX_RATIO * came) throw bodyTooLarge(maxBytes);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof StatusError || cause instanceof HttpRefusal) throw cause;
    throw new StatusError("INVALID_ARGUMENT", "the body is not encoded as it says", {
      reason: "BODY_ENCODING_INVALID",
      cause,
    });
  }
}
