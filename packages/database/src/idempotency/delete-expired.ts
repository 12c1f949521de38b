import { type Kysely, sql } from "kysely";

export interface DeleteExpiredOptions {
  now: Date;
  /** Rows at most, so that no transaction grows long; by default 1000. */
  limit?: number;
}

/**
 * Deletes records of requests whose time is over; resolves with their number. Fewer than `limit`: there are no more.
 * Replicas that do so at once skip each other's rows.
 */
export async function deleteExpired<Tables>(db: Kysely<Tables>, options: DeleteExpiredOptions): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from idempotency where ctid = any(array(
      select ctid from idempotency where expires_at <= ${options.now}
      order by expires_at limit ${options.limit ?? 1000} for update skip locked))`.execute(db);
  return Number(numAffectedRows);
}
