import { StatusError } from "@tenon/errors";
import { createPageTokens } from "./page-token.ts";

const DEFAULT_SIZE = 50;
const MAX_SIZE = 500;

/** Which part of a list is asked for: the `size` newest rows before `beforeId`. */
export interface Page {
  readonly size: number;
  /** The last row of the page before; undefined for the first page. */
  readonly beforeId?: string | undefined;
}

/** A part of a list, newest first. */
export interface Paged<Row> {
  readonly items: readonly Row[];
  /** The last row's id if there are more rows behind it. */
  readonly lastId?: string | undefined;
}

/** Pages between the wire and the rules (AIP-158), for lists that are ordered by UUIDv7 ids, newest first. */
export interface Paging {
  /**
   * The page that a request asks for: page_size 0 is 50, above 500 is 500. Throws INVALID_ARGUMENT for a negative size
   * and for a token that is not of this list; `filter` is all that makes it this list.
   */
  toPage(request: { pageSize: number; pageToken: string }, filter: unknown): Page;
  /** The token for the page behind; empty when there is none. */
  toToken(paged: Paged<unknown>, filter: unknown): string;
}

export function createPaging({ secret }: { secret: Uint8Array }): Paging {
  const tokens = createPageTokens(secret);
  return {
    toPage({ pageSize, pageToken }, filter) {
      if (pageSize < 0) throw negativeSize();
      const size = Math.min(pageSize || DEFAULT_SIZE, MAX_SIZE);
      return pageToken === "" ? { size } : { size, beforeId: tokens.decode(pageToken, filter) };
    },
    toToken: ({ lastId }, filter) => (lastId === undefined ? "" : tokens.encode(lastId, filter)),
  };
}

const negativeSize = () =>
  new StatusError("INVALID_ARGUMENT", "page_size must not be negative", {
    reason: "PAGE_SIZE_INVALID",
    violations: [{ field: "page_size", description: "must not be negative" }],
  });
