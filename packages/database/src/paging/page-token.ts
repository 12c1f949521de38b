import { createHmac, timingSafeEqual } from "node:crypto";
import { StatusError } from "@tenon/errors";
import { deriveKey } from "../derived-key.ts";

const TAG_BYTES = 16;

export interface EncodePageTokenOptions {
  /** The service's secret; at least 16 bytes, the same for every replica. */
  secret: Uint8Array;
  /** Where the page ended: the id of its last row. */
  lastId: string;
  /** What the list is of: its method, filter, and whoever else must not continue it. */
  filter: unknown;
}

/** A page token that only continues the list of the same filter, and that cannot be made up. It is no right to read. */
export function encodePageToken({ secret, lastId, filter }: EncodePageTokenOptions): string {
  return Buffer.concat([tagOf(secret, lastId, filter), Buffer.from(lastId)]).toString("base64url");
}

export interface DecodePageTokenOptions {
  secret: Uint8Array;
  pageToken: string;
  filter: unknown;
}

/** Where the page before ended. Throws INVALID_ARGUMENT (PAGE_TOKEN_INVALID) unless we made it for this filter. */
export function decodePageToken({ secret, pageToken, filter }: DecodePageTokenOptions): string {
  const bytes = Buffer.from(pageToken, "base64url");
  const lastId = bytes.subarray(TAG_BYTES).toString();
  // The decoder skips what is not base64url: only the one spelling that we write is a token.
  const whole = bytes.byteLength > TAG_BYTES && bytes.toString("base64url") === pageToken;
  if (!whole || !timingSafeEqual(bytes.subarray(0, TAG_BYTES), tagOf(secret, lastId, filter))) throw invalid();
  return lastId;
}

function tagOf(secret: Uint8Array, lastId: string, filter: unknown): Buffer {
  const text = JSON.stringify([lastId, filter], sorted);
  return createHmac("sha256", deriveKey(secret, "page-token")).update(text).digest().subarray(0, TAG_BYTES);
}

/** The order of a filter's properties does not count. */
const sorted = (_key: string, value: unknown) => {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
};

const invalid = () =>
  new StatusError("INVALID_ARGUMENT", "page_token is not one of this list", {
    reason: "PAGE_TOKEN_INVALID",
    violations: [{ field: "page_token", description: "must come from the page before, of the same filter" }],
  });
