import type { Compilable, CompiledQuery, OperationNodeSource } from "kysely";
import { type Kysely, sql } from "kysely";
import type { NewEvent } from "../event-message.ts";

// biome-ignore lint/suspicious/noExplicitAny: whatever else is in the service's database.
type Db = Kysely<any>;

/** A write of Kysely that returns the row it made. */
export type Write<Row> = Compilable<Row> & OperationNodeSource;

/**
 * Makes a change and writes its event, in one statement: both or neither. `change` inserts or updates one row and returns
 * it. Where it changes nothing nothing is told, and undefined comes back.
 */
export async function writeWithEvent<Row>(db: Db, change: Write<Row>, event: NewEvent): Promise<Row | undefined> {
  const { rows } = await db.executeQuery(withEvent(db, change, event));
  return rows[0];
}

/** The statement of `writeWithEvent`, not sent. */
export function withEvent<Row>(db: Db, change: Write<Row>, event: NewEvent): CompiledQuery<Row> {
  const { eventId, type, aggregateId, version, message } = event;
  return sql<Row>`
    with changed as (${change}),
    told as (
      insert into outbox (event_id, type, aggregate_id, version, message)
      select ${eventId}::uuid, ${type}, ${aggregateId}::uuid, ${version}::bigint, ${message}::bytea from changed
    )
    select * from changed`.compile(db);
}
