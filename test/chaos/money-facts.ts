import type { Embedded } from "@tenon/database/embedded";
import pg from "pg";

/** Where all the money is, as three databases tell that know nothing of each other. Amounts are in minor units. */
export interface MoneyFacts {
  readonly orders: readonly OrderFact[];
  readonly refunds: readonly RefundFact[];
  readonly payments: readonly PaymentFact[];
  readonly users: readonly UserFact[];
  readonly steps: readonly StepFact[];
  readonly entries: readonly EntryFact[];
  /** The processor's own log. */
  readonly transactions: readonly TransactionFact[];
  /** What was written to be told of orders, of payments and of users. */
  readonly events: readonly EventFact[];
  /** Versions of payments and of users that order has heard of. */
  readonly heard: readonly HeardFact[];
  /** Events whose effect failed. */
  readonly failedEvents: readonly { readonly id: string; readonly type: string; readonly error: string }[];
  /** What the reconciler has found and could not repair. */
  readonly findings: readonly { readonly kind: string; readonly reference: string; readonly description: string }[];
}

export interface OrderFact {
  readonly id: string;
  readonly currency: string;
  readonly total: bigint;
  readonly refunded: bigint;
  readonly refunding: bigint;
  readonly state: string;
  readonly version: bigint;
  readonly paymentId: string | null;
  /** A worker has something to do about it. */
  readonly isDue: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface RefundFact {
  readonly orderId: string;
  readonly amount: bigint;
  readonly state: string;
}

export interface PaymentFact {
  readonly id: string;
  readonly orderId: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly state: string;
  readonly version: bigint;
}

export interface UserFact {
  readonly id: string;
  readonly state: string;
  readonly version: bigint;
}

export interface StepFact {
  /** The reference at the processor. */
  readonly id: string;
  readonly paymentId: string;
  readonly kind: string;
  readonly amount: bigint;
  readonly state: string;
}

export interface EntryFact {
  readonly stepId: string;
  readonly movement: string;
  readonly amount: bigint;
}

export interface TransactionFact {
  readonly id: string;
  readonly reference: string;
  readonly kind: string;
  readonly state: string;
  readonly authorizationId: string | null;
  readonly currency: string;
  readonly amount: bigint;
}

export interface EventFact {
  readonly aggregateId: string;
  readonly version: bigint;
  readonly isPublished: boolean;
}

export interface HeardFact {
  readonly aggregateId: string;
  readonly version: bigint;
}

const ORDERS = `select id, currency, total_minor as total, refunded_minor as refunded, refunding_minor as refunding, state, version,
  payment_id as "paymentId", next_attempt_at is not null as "isDue", created_at as "createdAt", updated_at as "updatedAt"
  from orders`;
const REFUNDS = `select order_id as "orderId", amount_minor as amount, state from order_refunds`;
const PAYMENTS = `select id, order_id as "orderId", currency, amount_minor as amount, captured_minor as captured,
  refunded_minor as refunded, state, version from payments`;
const USERS = "select id, state, version from users";
const STEPS = `select id, payment_id as "paymentId", kind, amount_minor as amount, state from steps`;
const ENTRIES = `select step_id as "stepId", movement,
  (select sum(amount_minor) from ledger_postings where entry_id = id and amount_minor > 0)::bigint as amount
  from ledger_entries`;
const TRANSACTIONS = `select id, reference, kind, state, authorization_id as "authorizationId", currency,
  amount_minor as amount from transactions order by position`;

const EVENTS = `select aggregate_id as "aggregateId", version, published_at is not null as "isPublished" from outbox`;
const HEARD = `select aggregate_id as "aggregateId", version from inbox`;
const FAILED_EVENTS = "select event_id as id, type, error from failed_events";
const FINDINGS = "select kind, reference, description from findings where resolved_at is null";

export async function readMoneyFacts(database: Pick<Embedded, "url">): Promise<MoneyFacts> {
  const [order, payment, processor, user] = await Promise.all([
    readAll(database, "order", {
      orders: ORDERS,
      refunds: REFUNDS,
      events: EVENTS,
      heard: HEARD,
      failedEvents: FAILED_EVENTS,
    }),
    readAll(database, "payment", {
      payments: PAYMENTS,
      steps: STEPS,
      entries: ENTRIES,
      events: EVENTS,
      findings: FINDINGS,
    }),
    readAll(database, "processor", { transactions: TRANSACTIONS }),
    readAll(database, "user", { users: USERS, events: EVENTS }),
  ]);
  const events = [...(order.events ?? []), ...(payment.events ?? []), ...(user.events ?? [])];
  return { ...order, ...payment, ...processor, ...user, events } as unknown as MoneyFacts;
}

/**
 * What order has not heard and must. Of a payment it listens once the processor has answered, of a user from the second
 * version on; it remembers the last version only.
 */
export function listUnheard({ payments, users, heard }: Pick<MoneyFacts, "payments" | "users" | "heard">): string[] {
  const last = new Map(heard.map(({ aggregateId, version }) => [aggregateId, version]));
  const settled = payments.filter(({ state }) => !state.endsWith("ING"));
  const changed = users.filter(({ version }) => version > 1n);
  return [...settled, ...changed]
    .filter(({ id, version }) => last.get(id) !== version)
    .map(({ id, version }) => `${id} is of version ${version}, order has heard of ${last.get(id) ?? "none"}`);
}

const UNTOLD = "select position from outbox where published_at is null";

/** How much is still to be done, by what; empty once all rests. */
export async function countOpen(database: Pick<Embedded, "url">): Promise<Readonly<Record<string, number>>> {
  const found = await Promise.all([
    readAll(database, "order", {
      orders: "select id from orders where next_attempt_at is not null",
      "events of order": UNTOLD,
      "events that failed": "select event_id from failed_events where next_attempt_at is not null",
    }),
    readAll(database, "payment", {
      steps: "select id from steps where state = 'PENDING'",
      "steps to compare": "select id from steps where state <> 'PENDING' and compared_at is null",
      "events of payment": UNTOLD,
      findings: FINDINGS,
    }),
    readAll(database, "user", { "events of user": UNTOLD }),
  ]);
  const counts = Object.entries(Object.assign({}, ...found) as Record<string, object[]>);
  return Object.fromEntries(counts.filter(([, rows]) => rows.length > 0).map(([name, rows]) => [name, rows.length]));
}

/** All of one moment. */
async function readAll<Name extends string>(
  database: Pick<Embedded, "url">,
  service: string,
  queries: Readonly<Record<Name, string>>,
): Promise<Record<Name, object[]>> {
  const client = new pg.Client({ connectionString: database.url(service, service), types: { getTypeParser } as never });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const results: [string, object[]][] = [];
    for (const [name, query] of Object.entries<string>(queries)) results.push([name, (await client.query(query)).rows]);
    return Object.fromEntries(results) as Record<Name, object[]>;
  } finally {
    await client.end();
  }
}

const INT8 = 20;
const getTypeParser = (oid: number, format: "text") => (oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format));
