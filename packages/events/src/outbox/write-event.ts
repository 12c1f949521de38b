import type { Compilable, OperationNodeSource } from "kysely";
import { type Kysely, sql } from "kysely";
import type { NewEvent } from "../event-message.ts";

/** A write of Kysely that returns the row it made. */
export type Write<Row> = Compilable<Row> & OperationNodeSource;

/**
 * Makes a change and writes its event, in one statement: both or neither. `change` inserts or updates one row and returns
 * it. Where it changes nothing nothing is told, and undefined comes back.
 */
export async function writeWithEvent<Row>(
  // biome-ignore lint/suspicious/noExplicitAny: whatever else is in the service's database.
  db: Kysely<any>,
  change: Write<Row>,
  { eventId, type, aggregateId, version, message }: NewEvent,
): Promise<Row | undefined> {
  const { rows } = await sql<Row>`
    with changed as (${change}),
    told as (
      insert into outbox (event_id, type, aggregate_id, version, message)
      select ${eventId}::uuid, ${type}, ${aggregateId}::uuid, ${version}::bigint, ${message}::bytea from changed
    )
    select * from changed`.execute(db);
  return rows[0];
}
