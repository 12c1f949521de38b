import { type SelectQueryBuilder, sql } from "kysely";
import type { Page, Paged } from "./paging.ts";

/**
 * Runs a query for one page, newest first. Rows are ordered by their UUIDv7 `id`, which never changes: rows that come
 * or go meanwhile make no other row appear twice or not at all. The query has its filter, and no order or limit; an
 * index on (what it filters by, id) makes every page cost the same. `by` names the id's column where it is not `id`.
 */
export async function readPage<DB, TB extends keyof DB, Row extends { id: string }>(
  query: SelectQueryBuilder<DB, TB, Row>,
  page: Page,
  by = "id",
): Promise<Paged<Row>> {
  const { size, beforeId } = page;
  const older = beforeId === undefined ? query : query.where(sql<boolean>`${sql.ref(by)} < ${beforeId}::uuid`);
  // One more than asked for tells whether there are more.
  const rows = (await older
    .orderBy(sql.ref(by), "desc")
    .limit(size + 1)
    .execute()) as Row[];
  if (rows.length <= size) return { items: rows };
  const items = rows.slice(0, size);
  return { items, lastId: items.at(-1)?.id };
}
