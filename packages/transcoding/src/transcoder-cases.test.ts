import { readFileSync } from "node:fs";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import type { HttpResponse } from "./http-message.ts";
import { compileThings, createThings } from "./things-fixture.ts";
import { createTranscoder, type TranscoderOptions } from "./transcoder.ts";

interface Case {
  /** Whose rule it shows. */
  source: keyof typeof SOURCES;
  /** Which. */
  from: string;
  /** Method and target. */
  send: string;
  /** A text that is added to the target so many times. */
  repeat?: [text: string, times: number];
  options?: Pick<TranscoderOptions, "request" | "response">;
  with?: Record<string, string>;
  body?: unknown;
  /** A body that JSON.stringify would not write: as text, or as texts each so many times. */
  raw?: string | [text: string, times: number][];
  /** A body that is no text. */
  hex?: string;
  /** What the body is compressed by, whatever the headers say. */
  encoding?: keyof typeof ENCODERS;
  /** The body breaks off before its end. */
  cut?: true;
  /** By default 200. */
  status?: number;
  /** Of the error's ErrorInfo. */
  reason?: string;
  message?: string;
  /** Of the error's BadRequest, in their order. */
  fields?: string[];
  json?: unknown;
  /** The body as it is sent. */
  text?: string;
  problem?: object;
  headers?: Record<string, string>;
  /** Headers that the answer has not. */
  without?: string[];
}

const SOURCES = {
  "http.proto": "google/api/http.proto, by which AIP-127 goes",
  protojson: "the JSON format of protobuf (protobuf.dev/programming-guides/json), and conversions of a text to it",
  "code.proto": "google/rpc/code.proto: the HTTP status of a code",
  "AIP-134": "google.aip.dev/134: updates and their masks",
  "AIP-154": "google.aip.dev/154: etags of resources",
  "RFC 3986": "URIs",
  "RFC 8259": "JSON",
  "RFC 9110": "HTTP: methods, headers, statuses",
  "RFC 9112": "HTTP/1.1: targets",
  "RFC 9457": "problem details",
  HTML: "html.spec.whatwg.org: server-sent events",
  "gRPC over HTTP/2": "PROTOCOL-HTTP2.md of gRPC: timeouts",
  policy: "chosen here, where the others leave it open or implementations differ: see README",
};

const ENCODERS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };

/** Whatever is asked, however often: superlinear work would show as a case that takes longer. */
const MAX_MS = 10_000;

/** The rules, which `make differential` compares with another implementation's too; and what lies at their edges. */
const cases = ["transcoding-cases.json", "edge-cases.json"].flatMap(
  (file) => JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as Case[],
);
const things = createThings({ service: compileThings() });
afterAll(() => things.close());

for (const each of cases) {
  test(`${each.source}, ${each.from}: ${each.send}`, { timeout: MAX_MS }, async () => {
    expect(SOURCES).toHaveProperty([each.source]);
    const response = await send(each);
    const text = await textOf(response);
    const isJson = /json$/.test(response.headers["content-type"] ?? "") && text !== "";
    const body = isJson && each.text === undefined ? JSON.parse(text) : undefined;
    expect({ status: response.status, body }).toMatchObject({ status: each.status ?? 200 });
    if ("json" in each) expect(body).toEqual(each.json);
    if (each.text !== undefined) expect(text).toBe(each.text);
    if (each.reason !== undefined) expect(detail(body, "ErrorInfo")).toMatchObject({ reason: each.reason });
    if (each.message !== undefined) expect(body.message).toBe(each.message);
    if (each.problem !== undefined) expect(body).toMatchObject(each.problem);
    expect(response.headers).toMatchObject(each.headers ?? {});
    for (const name of each.without ?? []) expect(response.headers).not.toHaveProperty([name]);
    if (each.fields === undefined) return;
    const { fieldViolations } = detail(body, "BadRequest") as unknown as { fieldViolations: { field?: string }[] };
    expect(fieldViolations.map(({ field = "" }) => field)).toEqual(each.fields);
  });
}

test("every case is another", () => {
  const shown = cases.map(({ source, from, ...rest }) => JSON.stringify(rest));
  expect(shown.filter((one, index) => shown.indexOf(one) !== index)).toEqual([]);
});

function send({ send: line, repeat = ["", 0], options, with: headers = {}, ...rest }: Case): Promise<HttpResponse> {
  const space = line.indexOf(" ");
  const url = line.slice(space + 1) + repeat[0].repeat(repeat[1]);
  const bytes = bytesOf(rest);
  return createTranscoder({ backends: [things], ...options }).handle({
    method: line.slice(0, space),
    url,
    headers,
    body: bytes && partsOf(bytes, rest.cut),
    signal: AbortSignal.timeout(MAX_MS),
  });
}

function bytesOf({ body, raw, hex, encoding }: Pick<Case, "body" | "raw" | "hex" | "encoding">): Buffer | undefined {
  const text = Array.isArray(raw) ? raw.map(([part, times]) => part.repeat(times)).join("") : raw;
  const written = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const plain = hex === undefined ? written : Buffer.from(hex, "hex");
  if (plain === undefined) return undefined;
  return encoding ? ENCODERS[encoding](plain) : Buffer.from(plain as string);
}

/** Bodies come in parts, as they like. */
async function* partsOf(bytes: Buffer, cut: true | undefined): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 3);
  if (cut) throw new Error("aborted");
  yield bytes.subarray(3);
}

async function textOf({ body }: HttpResponse): Promise<string> {
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

const detail = (body: { details?: { "@type": string }[] }, type: string) =>
  body.details?.find((one) => one["@type"] === `type.googleapis.com/google.rpc.${type}`);
