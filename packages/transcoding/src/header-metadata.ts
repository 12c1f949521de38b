import { StatusError } from "@tenon/errors";
import { createMetadata, type Metadata, type MetadataValue } from "@tenon/grpc";

/** Headers of a request: names in lower case, several of a name joined by commas. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Passed on under their own name: who asks, and what the request is a part of. */
const PASSED = ["authorization", "traceparent", "tracestate", "x-request-id"];
const FORWARDED = "x-forwarded-for";
const PREFIX = "grpc-metadata-";
/** As HTTP/2 servers of ours take it. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1000;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

export const headerOf = (headers: RequestHeaders, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === "object" ? value.join(", ") : value;
};

/**
 * The metadata of a call: credentials, trace and request id, and `Grpc-Metadata-<key>` as `<key>`, in base64 where that
 * ends in `-bin`. What says who asks goes under its own name only. The peer is appended to `x-forwarded-for`, as a proxy does.
 * Throws INVALID_ARGUMENT for what is no metadata.
 */
export function metadataFromHeaders(headers: RequestHeaders, peer?: string): Metadata {
  const metadata = createMetadata();
  for (const name of Object.keys(headers)) {
    const value = headerOf(headers, name);
    if (value === undefined) continue;
    if (PASSED.includes(name)) addMetadata(metadata, name, value, name);
    else if (name.startsWith(PREFIX)) addMetadata(metadata, metadataKey(name), value, name);
  }
  addForwarded(metadata, headers, peer);
  return metadata;
}

/** Says for whom a call is made, as a proxy does: the peer behind those that the request names itself. */
export function addForwarded(metadata: Metadata, headers: RequestHeaders, peer: string | undefined): void {
  if (peer === undefined) return;
  const before = headerOf(headers, FORWARDED);
  addMetadata(metadata, FORWARDED, before === undefined ? peer : `${before}, ${peer}`, FORWARDED);
}

function metadataKey(name: string): string {
  const key = name.slice(PREFIX.length);
  if (PASSED.includes(key) || key.startsWith("grpc-") || key.startsWith("x-forwarded-")) throw invalidHeader(name);
  return key;
}

/** Adds the value of a header; in base64 where its key ends in `-bin`. Throws INVALID_ARGUMENT, by the header's name. */
export function addMetadata(metadata: Metadata, key: string, value: string, header: string): void {
  try {
    const binary = key.endsWith("-bin");
    if (binary && !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw new Error("not base64");
    metadata.add(key, binary ? Buffer.from(value, "base64") : value);
  } catch {
    throw invalidHeader(header);
  }
}

/** A header whose value cannot go further. */
export const invalidHeader = (header: string) =>
  new StatusError("INVALID_ARGUMENT", `the header ${header} cannot be metadata`, { reason: "HEADER_INVALID" });

/** The time that `Grpc-Timeout` allows, in milliseconds; undefined without it. Throws INVALID_ARGUMENT where it is none. */
export function timeoutFromHeaders(headers: RequestHeaders): number | undefined {
  const text = headerOf(headers, "grpc-timeout");
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw new StatusError("INVALID_ARGUMENT", "the header grpc-timeout is at most 8 digits with H, M, S, m, u or n", {
      reason: "HEADER_INVALID",
    });
  }
  return Math.min(Math.ceil(Number(count) * (UNIT_MS[unit] ?? 1)), MAX_TIMEOUT_MS);
}

/** What a server's metadata is to HTTP clients: `grpc-metadata-<key>`, or `grpc-trailer-<key>` of trailers. */
export function headersFromMetadata(metadata: Metadata | undefined, prefix: "grpc-metadata-" | "grpc-trailer-") {
  const headers: Record<string, string> = {};
  for (const [key, values] of metadata ? metadataEntries(metadata) : []) {
    const texts = values.map((value) => (typeof value === "string" ? value : value.toString("base64")));
    headers[`${prefix}${key}`] = texts.join(",");
  }
  return headers;
}

/** A server's metadata, without what gRPC and HTTP/2 say themselves and what is no text of a header. */
export function metadataEntries(metadata: Metadata): [key: string, values: MetadataValue[]][] {
  return Object.keys(metadata.getMap()).flatMap((key) => {
    if (key.startsWith("grpc-") || key.startsWith(":") || TRANSPORT.includes(key)) return [];
    const values = metadata.get(key);
    const isText = values.every((value) => typeof value !== "string" || /^[\x20-\x7e]*$/.test(value));
    return isText ? [[key, values]] : [];
  });
}

const TRANSPORT = ["content-type", "date", "server", "te", "user-agent"];
