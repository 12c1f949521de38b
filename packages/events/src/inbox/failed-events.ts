import { type Kysely, sql } from "kysely";

/** An event whose effect failed. */
export interface FailedEvent {
  readonly eventId: string;
  readonly type: string;
  readonly message: Uint8Array;
  /** Failures so far. */
  readonly attempts: number;
}

/** One that waits for people. */
export interface DeadLetter {
  readonly eventId: string;
  readonly type: string;
  /** What kind of failure the last one was: see `kindOf`. */
  readonly error: string;
}

export interface FailedEventsOptions {
  // biome-ignore lint/suspicious/noExplicitAny: whatever else is in the service's database.
  db: Kysely<any>;
  /** By default 8, which takes some two minutes. */
  maxAttempts?: number | undefined;
}

/** Delays double from this one. */
const FIRST_DELAY_MS = 500;
/** Nobody else tries a claimed event for so long. */
const LEASE_MS = 30_000;
const MAX_KIND_LENGTH = 100;
const REDRIVE_BATCH = 100;

/** Events that wait for another attempt, and dead letters, which wait for people. Shared by all replicas. */
export function createFailedEvents({ db, maxAttempts = 8 }: FailedEventsOptions) {
  const after = (ms: number) => sql`now() + ${ms}::float8 * interval '1 millisecond'`;

  return {
    /** Writes a failure down; resolves with whether the event is a dead letter now. A dead letter that comes again stays one. */
    async note({ eventId, type, message, attempts }: FailedEvent, failure: { error: unknown; final: boolean }) {
      const error = kindOf(failure.error);
      const dead = failure.final || attempts + 1 >= maxAttempts;
      const next = dead ? sql`null::timestamptz` : after(FIRST_DELAY_MS * 2 ** attempts);
      const { rows } = await sql<{ dead: boolean }>`
        insert into failed_events (event_id, type, message, error, next_attempt_at)
        values (${eventId}, ${type}, ${message}, ${error}, ${next})
        on conflict (event_id) do update
        set attempts = failed_events.attempts + 1, error = excluded.error, failed_at = now(),
          next_attempt_at = case when failed_events.next_attempt_at is not null then excluded.next_attempt_at end
        returning next_attempt_at is null as dead`.execute(db);
      return rows[0]?.dead ?? dead;
    },

    /** It has had its effect. */
    async forget(eventId: string): Promise<void> {
      await sql`delete from failed_events where event_id = ${eventId}`.execute(db);
    },

    /** The event whose time came first, which is this caller's for a while. */
    async claimDue(): Promise<FailedEvent | undefined> {
      const { rows } = await sql<FailedEvent>`
        update failed_events set next_attempt_at = ${after(LEASE_MS)}
        where event_id = (
          select event_id from failed_events where next_attempt_at <= now()
          order by next_attempt_at limit 1 for update skip locked
        )
        returning event_id as "eventId", type, message, attempts`.execute(db);
      return rows[0];
    },

    /** Dead letters are tried again, as if they had not failed yet; those that fail again meanwhile are left. */
    async *redrive(): AsyncGenerator<DeadLetter> {
      // As text: a Date has no microseconds.
      const { rows: times } = await sql<{ now: string }>`select now()::text as now`.execute(db);
      for (;;) {
        const { rows } = await sql<DeadLetter>`
          update failed_events set attempts = 0, next_attempt_at = now()
          where event_id = any(array(
            select event_id from failed_events
            where next_attempt_at is null and failed_at <= ${times[0]?.now}::timestamptz
            order by failed_at limit ${REDRIVE_BATCH} for update skip locked
          ))
          returning event_id as "eventId", type, error`.execute(db);
        if (rows.length === 0) return;
        yield* rows;
      }
    },

    async countDead(): Promise<number> {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from failed_events where next_attempt_at is null`.execute(db);
      return rows[0]?.count ?? 0;
    },
  };
}

/**
 * The class and the code of an error: `StatusError FAILED_PRECONDITION`, `DatabaseError 23505`. Its message stays in the log's
 * keeping: it may repeat what somebody has written, which a table would keep for as long as nobody looks.
 */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { reason, code } = error as { reason?: unknown; code?: unknown };
  const told = [reason, code].find((each) => typeof each === "string" && /^\w+$/.test(each));
  return [error.constructor.name, told].filter(Boolean).join(" ").slice(0, MAX_KIND_LENGTH);
}
