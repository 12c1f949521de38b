import { sendTogether } from "@tenon/database";
import { type Kysely, sql } from "kysely";

/** An event that is to be told. */
export interface OutboxEvent {
  readonly position: bigint;
  readonly eventId: string;
  /** The full name of its message. */
  readonly type: string;
  readonly aggregateId: string;
  readonly version: bigint;
  readonly message: Uint8Array;
  /** How often it was begun to be told, this time included; replays count, too. It names the claim: see `markPublished`. */
  readonly attempts: number;
}

export interface OutboxOptions {
  // biome-ignore lint/suspicious/noExplicitAny: whatever else is in the service's database.
  db: Kysely<any>;
  /** How long claimed events are left to who claimed them; by default 30 s. */
  leaseMs?: number;
}

/** The events of a service, shared by the relays of all its replicas. Times are the database's. */
export interface Outbox {
  /**
   * Claims up to `limit` events that are not published, the oldest first, at most one of each aggregate: the next one is
   * claimable once that is published, so that versions are told in their order. Before, and in the same transaction, it
   * marks `told` as published.
   */
  claim(limit: number, told?: readonly OutboxEvent[]): Promise<OutboxEvent[]>;
  /** But for those that were claimed or replayed since: what a broker was told that has lost it counts for nothing. */
  markPublished(events: readonly OutboxEvent[]): Promise<void>;
  /** Gives an event up for so long. */
  postpone(event: OutboxEvent, delayMs: number): Promise<void>;
  /** Gives events up that were not tried. */
  release(events: readonly OutboxEvent[]): Promise<void>;
  /** Has everything told again, the oldest first, in batches; yields the number of events so far. Safe to repeat. */
  replay(options?: BatchOptions): AsyncIterable<number>;
  /** Deletes what was published longer than `keepMs` ago, in batches; resolves with the number of events. */
  deletePublished(options: BatchOptions & { keepMs: number }): Promise<number>;
  /** Age of the oldest event that is not published, in milliseconds; 0 where all are. */
  oldestUnpublishedMs(): Promise<number>;
}

export interface BatchOptions {
  /** No batch begins once it aborts. */
  signal?: AbortSignal | undefined;
  /** Rows of one statement at most; by default 1000. */
  batch?: number | undefined;
}

export function createOutbox({ db, leaseMs = 30_000 }: OutboxOptions): Outbox {
  /** By position and attempts: nothing is left of a claim that was replayed or taken over. */
  const areClaimedAs = (events: readonly OutboxEvent[]) => {
    const positions = sql`${events.map(({ position }) => position)}::bigint[]`;
    const attempts = sql`${events.map((event) => event.attempts)}::int[]`;
    return sql`position = any(${positions}) and published_at is null
      and attempts = (${attempts})[array_position(${positions}, position)]`;
  };
  const markPublished = (events: readonly OutboxEvent[]) =>
    sql`update outbox set published_at = now() where ${areClaimedAs(events)}`.compile(db);
  const after = (ms: number) => sql`now() + ${ms}::float8 * interval '1 millisecond'`;

  return {
    async claim(limit, told = []) {
      // `num_nulls` keeps the planner from looking for earlier versions in the index of what is not published: it is empty most
      // of the time, so that it seems to cost nothing, and then a backlog is read as a whole for each event of it.
      const claim = sql<OutboxEvent>`
        update outbox set attempts = attempts + 1, next_attempt_at = ${after(leaseMs)}
        where position = any(array(
          select position from outbox due
          where published_at is null and next_attempt_at <= now() and not exists (
            select from outbox earlier
            where earlier.aggregate_id = due.aggregate_id and earlier.type = due.type
              and earlier.version < due.version and num_nulls(earlier.published_at) = 1
          )
          order by position
          limit ${limit}
          for update skip locked
        ))
        returning position, event_id as "eventId", type, aggregate_id as "aggregateId", version, message, attempts
      `.compile(db);
      if (told.length === 0) return inOrder((await db.executeQuery(claim)).rows);
      const [, claimed] = await sendTogether(db, markPublished(told), claim);
      return inOrder(claimed.rows);
    },

    async markPublished(events) {
      if (events.length > 0) await db.executeQuery(markPublished(events));
    },

    async postpone({ position }, delayMs) {
      await sql`
        update outbox set next_attempt_at = ${after(delayMs)}
        where position = ${position} and published_at is null`.execute(db);
    },

    async release(events) {
      if (events.length === 0) return;
      await sql`
        update outbox set next_attempt_at = now(), attempts = attempts - 1
        where ${areClaimedAs(events)}`.execute(db);
    },

    async *replay({ signal, batch = 1000 } = {}) {
      const { rows } = await sql<{ last: bigint | null }>`select max(position) as last from outbox`.execute(db);
      const last = rows[0]?.last ?? 0n;
      let count = 0;
      for (let from = 0n; from < last && !signal?.aborted; ) {
        // Versions of one aggregate have ascending positions: a later one is never open while an earlier one is not yet.
        const { rows: batches } = await sql<{ upTo: bigint | null; opened: number }>`
          with next as materialized (
            select position, published_at is not null as published from outbox
            where position > ${from} and position <= ${last} order by position limit ${batch}
          ), opened as (
            update outbox set published_at = null, attempts = attempts + 1, next_attempt_at = now(), queued_at = now()
            from next where outbox.position = next.position
          )
          select max(position) as "upTo", count(*) filter (where published)::int as opened from next`.execute(db);
        const [{ upTo, opened } = { upTo: null, opened: 0 }] = batches;
        from = upTo ?? last;
        count += opened;
        await sql`select pg_notify('outbox', '')`.execute(db);
        yield count;
      }
    },

    async deletePublished({ keepMs, signal, batch = 1000 }) {
      let sum = 0;
      for (let deleted = batch; deleted >= batch && !signal?.aborted; sum += deleted) {
        const { numAffectedRows = 0n } = await sql`
          delete from outbox where position = any(array(
            select position from outbox where published_at < ${after(-keepMs)}
            order by published_at limit ${batch} for update skip locked))`.execute(db);
        deleted = Number(numAffectedRows);
      }
      return sum;
    },

    async oldestUnpublishedMs() {
      const { rows } = await sql<{ ms: number }>`
        select extract(epoch from clock_timestamp() - queued_at)::float8 * 1000 as ms
        from outbox where published_at is null order by position limit 1`.execute(db);
      return Math.max(0, rows[0]?.ms ?? 0);
    },
  };
}

const inOrder = (events: OutboxEvent[]) => events.sort((a, b) => (a.position < b.position ? -1 : 1));
