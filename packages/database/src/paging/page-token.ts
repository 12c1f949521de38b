import { createHmac, timingSafeEqual } from "node:crypto";
import { StatusError } from "@tenon/errors";
import { deriveKey } from "../derived-key.ts";

const TAG_BYTES = 16;

/** Tokens that only continue the list of the same filter, and that cannot be made up. They are no right to read. */
export interface PageTokens {
  /** `lastId`: where the page ended. `filter`: what the list is of, its method included, and whoever else must not continue it. */
  encode(lastId: string, filter: unknown): string;
  /** Where the page before ended. Throws INVALID_ARGUMENT (PAGE_TOKEN_INVALID) unless we made it for this filter. */
  decode(pageToken: string, filter: unknown): string;
}

/** With a secret of at least 16 bytes, the same for every replica. */
export function createPageTokens(secret: Uint8Array): PageTokens {
  const key = deriveKey(secret, "page-token");
  const tagOf = (lastId: string, filter: unknown) => {
    const text = JSON.stringify([lastId, filter], sorted);
    return createHmac("sha256", key).update(text).digest().subarray(0, TAG_BYTES);
  };
  return {
    encode: (lastId, filter) => Buffer.concat([tagOf(lastId, filter), Buffer.from(lastId)]).toString("base64url"),

    decode(pageToken, filter) {
      const bytes = Buffer.from(pageToken, "base64url");
      const lastId = bytes.subarray(TAG_BYTES).toString();
      // The decoder skips what is not base64url: only the one spelling that we write is a token.
      const whole = bytes.byteLength > TAG_BYTES && bytes.toString("base64url") === pageToken;
      if (!whole || !timingSafeEqual(bytes.subarray(0, TAG_BYTES), tagOf(lastId, filter))) throw invalid();
      return lastId;
    },
  };
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
