import { randomUUID } from "node:crypto";
import { StatusError } from "@tenon/errors";
import { type CompiledQuery, type Kysely, type RawBuilder, sql } from "kysely";
import { sendTogether, sendWithNext } from "../send-together.ts";
import { failureFromText, failureToText, type Outcome } from "./outcome.ts";
import { type RequestKey, sameFingerprint } from "./request-key.ts";

export interface IdempotencyTables {
  idempotency: {
    principal: string;
    method: string;
    request_id: string;
    fingerprint: Buffer;
    lease: string | null;
    lease_expires_at: Date | null;
    response: Uint8Array | null;
    failure: string | null;
    created_at: Date;
    expires_at: Date;
  };
}

/** The table's database or a transaction in it, whatever else is there. */
// biome-ignore lint/suspicious/noExplicitAny: a service's own tables do not matter here.
type Tx = Kysely<any>;

/** What an attempt may do: give the answer there is, or work, having or not having an earlier attempt before it. */
export type Claim =
  | { readonly kind: "done"; readonly outcome: Outcome }
  | { readonly kind: "mine"; readonly resumed: boolean };

/** By default the time of the database, which is the same to all replicas. */
type Moment = Date | undefined;

/** One that ends later was given by a clock that was wrong, and binds nobody: `reclaim` tells who has lost it. */
const LONGEST_LEASE_MS = 60_000;

/** How long rivals are asked to wait. */
const RETRY_DELAY_MS = 100;

/**
 * Claims a request within `tx`, which then decides it: until `tx` ends, no other attempt gets past this point. Rejects
 * at once, without waiting, with ABORTED (REQUEST_IN_PROGRESS) where another attempt is at work or holds a lease, and
 * with ALREADY_EXISTS (REQUEST_ID_REUSED) where the id was used for another request.
 */
export async function claim(tx: Tx, key: RequestKey, now: Moment): Promise<Claim> {
  const lock = sql<{ locked: boolean }>`select pg_try_advisory_xact_lock(${key.lock}) as locked`.compile(tx);
  // Not in one statement: the snapshot of the second is younger than the lock, so it sees what the last holder committed.
  const [locks, records] = await sendTogether(tx, lock, find(tx, key, now));
  if (!locks.rows[0]?.locked) throw inProgress(RETRY_DELAY_MS);
  const [record] = records.rows;
  // Once its time is over it still answers, until it is deleted.
  if (!record) return { kind: "mine", resumed: false };
  if (!sameFingerprint(record.fingerprint, key.fingerprint)) throw reused();
  if (record.response) return { kind: "done", outcome: { response: record.response } };
  if (record.failure !== null) return { kind: "done", outcome: { failure: failureFromText(record.failure) } };
  const leftMs = Number(record.lease_expires_at) - Number(record.asked_at);
  if (leftMs > 0 && leftMs <= LONGEST_LEASE_MS) throw inProgress(Math.min(leftMs, 1000));
  return { kind: "mine", resumed: true };
}

export interface Lifetime {
  now: Moment;
  /** How long the record is kept from now. */
  keepMs: number;
}

/** Records, as the transaction that claimed it ends, that work on the request goes on after it; resolves with the lease. */
export async function lease(tx: Tx, key: RequestKey, leaseMs: number, { now, keepMs }: Lifetime): Promise<string> {
  const id = randomUUID();
  const state = { lease: id, lease_expires_at: after(now, leaseMs), response: null, failure: null };
  await put(tx, key, state, { now, keepMs });
  return id;
}

/** Has a lease hold for `leaseMs` from now. One that has run out is not renewed: another attempt may have resumed. */
export async function renew(db: Tx, key: RequestKey, leaseId: string, leaseMs: number, now: Moment): Promise<void> {
  await table(db)
    .updateTable("idempotency")
    // Of two that overtake each other the later end counts.
    .set({ lease_expires_at: sql<Date>`greatest(lease_expires_at, ${after(now, leaseMs)})` })
    .where((eb) => eb.and([eb.and({ ...idOf(key), lease: leaseId }), eb("lease_expires_at", ">", after(now, 0))]))
    .execute();
}

/** Records, as the transaction that claimed it ends, how the request ended. */
export async function settle(tx: Tx, key: RequestKey, outcome: Outcome, lifetime: Lifetime): Promise<void> {
  await put(tx, key, toState(outcome), lifetime);
}

/**
 * Takes the lock of a leased request within `tx`, to settle it there. Rejects with ABORTED where the lease was lost to
 * another attempt: what that one did counts, and nothing of this transaction may.
 */
export async function reclaim(tx: Tx, key: RequestKey, leaseId: string): Promise<Claim> {
  const [, records] = await sendTogether(
    tx,
    sql`select pg_advisory_xact_lock(${key.lock})`.compile(tx),
    find(tx, key, undefined),
  );
  if (records.rows[0]?.lease !== leaseId) throw inProgress(RETRY_DELAY_MS);
  return { kind: "mine", resumed: true };
}

/** Gives a lease back before its time: the next attempt resumes at once. */
export async function release(db: Tx, key: RequestKey, leaseId: string, now: Moment): Promise<void> {
  await table(db)
    .updateTable("idempotency")
    .set({ lease_expires_at: after(now, 0) })
    .where((eb) => eb.and({ ...idOf(key), lease: leaseId }))
    .execute();
}

type Record = IdempotencyTables["idempotency"];
type State = Pick<Record, "lease" | "response" | "failure"> & { lease_expires_at: RawBuilder<Date> | null };

const toState = (outcome: Outcome): State => ({
  lease: null,
  lease_expires_at: null,
  response: "response" in outcome ? Buffer.from(outcome.response) : null,
  failure: "failure" in outcome ? failureToText(outcome.failure) : null,
});

async function put(tx: Tx, key: RequestKey, state: State, { now, keepMs }: Lifetime): Promise<void> {
  const content = { ...state, fingerprint: key.fingerprint, created_at: after(now, 0), expires_at: after(now, keepMs) };
  const insert = table(tx)
    .insertInto("idempotency")
    .values({ ...idOf(key), ...content })
    .onConflict((conflict) => conflict.columns(["principal", "method", "request_id"]).doUpdateSet(content));
  await sendWithNext(tx, insert.compile());
}

const find = (tx: Tx, key: RequestKey, now: Moment): CompiledQuery<Record & { asked_at: Date }> =>
  table(tx)
    .selectFrom("idempotency")
    .selectAll()
    .select(after(now, 0).as("asked_at"))
    .where((eb) => eb.and(idOf(key)))
    .compile();

const table = (db: Tx): Kysely<IdempotencyTables> => db;
const idOf = (key: RequestKey) => ({ principal: key.principal, method: key.method, request_id: key.requestId });
const after = (now: Moment, ms: number): RawBuilder<Date> =>
  sql<Date>`${now ?? sql`now()`}::timestamptz + ${ms}::float8 * interval '1 millisecond'`;

const inProgress = (retryDelayMs: number) =>
  new StatusError("ABORTED", "the same request is being worked on: try again", {
    reason: "REQUEST_IN_PROGRESS",
    retryDelayMs,
  });

const reused = () =>
  new StatusError("ALREADY_EXISTS", "request_id was used for another request", { reason: "REQUEST_ID_REUSED" });
