import {
  type Arbitrary,
  array,
  constant,
  constantFrom,
  json,
  nat,
  oneof,
  option,
  record,
  string,
  uint8Array,
} from "fast-check";
import type { HttpRequest } from "../http-message.ts";

/** A request of a stranger, by its parts, so that it can be shrunk and told. */
export interface HostileRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** The body breaks off after so many bytes. */
  readonly breaksAt: number | undefined;
}

const odd = string({ unit: "binary", maxLength: 20 });
const WORDS = [
  "v1",
  "things",
  "echo",
  "files",
  "1",
  "a:b",
  "very",
  "raw",
  "..",
  "",
  "%2F",
  "%",
  "%c0%af",
  "%zz",
  "**",
  "{name}",
];
const VERBS = ["", ":watch", ":search", ":record", ":chat", ":", "::", ":%73earch"];
const word = oneof(constantFrom(...WORDS), odd);

const paths = oneof(
  record({ words: array(word, { maxLength: 8 }), verb: constantFrom(...VERBS) }).map(
    ({ words, verb }) => `/${words.join("/")}${verb}`,
  ),
  odd,
);

const NAMES = [
  "text",
  "longs",
  "longValue",
  "labels[a]",
  "labels[",
  "]",
  "nested.deeper.number",
  "nested.",
  "when",
  "mask",
];
const VALUES = [
  "1",
  "-0",
  "1e999",
  "9".repeat(40),
  "NaN",
  "COLOR_RED",
  "2026-01-31T12:00:00Z",
  "%00",
  "%ff",
  "a,b_c",
  "==",
];
const queries = array(
  record({
    name: oneof(constantFrom(...NAMES, "__proto__", "constructor", "%zz"), odd),
    value: oneof(constantFrom(...VALUES), odd),
  }),
  { maxLength: 6 },
).map((pairs) => pairs.map(({ name, value }) => `${name}=${value}`).join("&"));

const TYPES = ["application/json", "application/x-ndjson", "application/json; charset=utf-16", "text/plain", "/", ";;"];
const ACCEPTS = ["*/*", "text/event-stream", "application/x-ndjson", "application/problem+json", "text/html;q=0", ",,"];
const headers = record(
  {
    "content-type": oneof(constantFrom(...TYPES), odd),
    accept: oneof(constantFrom(...ACCEPTS), odd),
    "content-encoding": constantFrom("gzip", "br", "identity", "gzip, gzip", ""),
    "accept-encoding": constantFrom("gzip", "br;q=1, *;q=0", "zstd", ""),
    "grpc-timeout": oneof(constantFrom("1S", "0n", "99999999H", "-1S"), odd),
    "grpc-metadata-x-key-bin": oneof(constantFrom("AQI=", "not base64"), odd),
    "last-event-id": oneof(constantFrom("2", "-1"), odd),
    "if-match": constantFrom("*", '"1"', "W/"),
  },
  { requiredKeys: [] },
) as Arbitrary<Record<string, string>>;

const encoded = (text: string) => new TextEncoder().encode(text);
const FIELDS = [
  '{"text":"a"}',
  '{"nested":{"number":"x"}}',
  '{"text":"a","text":"b"}',
  '{"longValue":1e400}',
  "[[[[",
  '"\\ud800"',
];
const bodies = oneof(
  json().map(encoded),
  json().map((text) => encoded(`{"anything":${text}}`)),
  array(constantFrom(...FIELDS, "\n", ",", "[", "]"), { maxLength: 8 }).map((parts) => encoded(parts.join(""))),
  uint8Array({ maxLength: 64 }),
);

export const hostileRequests: Arbitrary<HostileRequest> = record({
  method: constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
  path: paths,
  query: queries,
  headers,
  body: option(bodies, { nil: undefined }),
  breaksAt: option(nat(40), { nil: undefined, freq: 9 }),
});

/** A request that is made long by saying one piece of it again and again. */
export interface PumpedRequest {
  readonly place: "path" | "query" | "body" | "header";
  readonly before: string;
  readonly piece: string;
  readonly after: string;
}

const PIECES = [
  "/",
  "a/",
  "%2f",
  ":",
  "very/raw/",
  "words=a&",
  "labels[a]=b&",
  "nested.",
  "[",
  "{",
  '{"a":',
  '"\\',
  "1",
  ",",
  " ",
  ";q=0.1,",
  "\n",
  "ü",
];

export const pumpedRequests: Arbitrary<PumpedRequest> = record({
  place: constantFrom("path", "query", "body", "header"),
  before: constantFrom("", "/v1/files/", "/v1/things", "text=", '{"text":"', "[", '{"anything":'),
  piece: oneof(constantFrom(...PIECES), string({ minLength: 1, maxLength: 4 })),
  after: oneof(constant(""), constantFrom('"}', "]", ":search", "/raw")),
});

/** The request with its piece so often that it has about so many characters. */
export function pump({ place, before, piece, after }: PumpedRequest, length: number): HostileRequest {
  const long = `${before}${piece.repeat(Math.ceil(length / piece.length))}${after}`;
  const plain = { method: "POST", path: "/v1/echo", query: "", headers: {}, body: encoded("{}"), breaksAt: undefined };
  switch (place) {
    case "path":
      return { ...plain, method: "GET", path: long, body: undefined };
    case "query":
      return { ...plain, method: "GET", path: "/v1/things:search", query: long, body: undefined };
    case "body":
      return { ...plain, body: encoded(long) };
    case "header":
      return { ...plain, headers: { accept: long, "content-type": "application/json" } };
  }
}

export function toHttpRequest(
  { path, query, body, breaksAt, ...rest }: HostileRequest,
  timeoutMs: number,
): HttpRequest {
  return {
    ...rest,
    url: query === "" ? path : `${path}?${query}`,
    body: body && chunksOf(body, breaksAt),
    signal: AbortSignal.timeout(timeoutMs),
  };
}

async function* chunksOf(bytes: Uint8Array, breaksAt: number | undefined): AsyncGenerator<Uint8Array> {
  const end = breaksAt ?? bytes.length;
  yield bytes.subarray(0, Math.min(3, end));
  yield bytes.subarray(Math.min(3, end), end);
  if (breaksAt !== undefined) throw new Error("the client has left");
}
