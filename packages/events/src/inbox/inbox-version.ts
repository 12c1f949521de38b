import { type Kysely, sql } from "kysely";
import type { EventMessage } from "../event-message.ts";

/**
 * Notes, in the transaction of an event's effect, that this version of its aggregate takes effect; false where it or a
 * later one has. Rivals with events of the same aggregate wait for the transaction.
 */
export async function claimVersion(
  // biome-ignore lint/suspicious/noExplicitAny: whatever else is in the service's database.
  tx: Kysely<any>,
  { $typeName: type, aggregateId, version, id }: EventMessage,
): Promise<boolean> {
  const { rows } = await sql`
    insert into inbox (type, aggregate_id, version, event_id) values (${type}, ${aggregateId}, ${version}, ${id})
    on conflict (type, aggregate_id) do update
    set version = excluded.version, event_id = excluded.event_id, applied_at = now()
    where inbox.version < excluded.version
    returning version`.execute(tx);
  return rows.length > 0;
}
