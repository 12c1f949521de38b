import { type Kysely, sql } from "kysely";

export interface DeleteExpiredOptions {
  /** By default the time of the database. */
  now?: Date | undefined;
  /** One that has `expires_at`; by default that of `once`. */
  table?: string;
  /** No batch begins once it aborts. */
  signal?: AbortSignal;
  /** Rows of one statement at most, so that no transaction grows long; by default 1000. */
  batch?: number;
}

/**
 * Deletes rows whose time is over, in batches until none is left; resolves with their number. Replicas that do so at once
 * skip each other's rows. Every service that uses `once` does it now and then for the records of requests.
 */
export async function deleteExpired<Tables>(db: Kysely<Tables>, options: DeleteExpiredOptions): Promise<number> {
  const { now, table = "idempotency", signal, batch = 1000 } = options;
  let sum = 0;
  for (let deleted = batch; deleted >= batch && !signal?.aborted; sum += deleted) {
    const { numAffectedRows = 0n } = await sql`
      delete from ${sql.table(table)} where ctid = any(array(
        select ctid from ${sql.table(table)} where expires_at <= ${now ?? sql`now()`}
        order by expires_at limit ${batch} for update skip locked))`.execute(db);
    deleted = Number(numAffectedRows);
  }
  return sum;
}
