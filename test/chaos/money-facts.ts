import type { Embedded } from "@tenon/database/embedded";
import pg from "pg";

/** Where all the money is, as three databases tell that know nothing of each other. Amounts are in minor units. */
export interface MoneyFacts {
  readonly orders: readonly OrderFact[];
  readonly refunds: readonly RefundFact[];
  readonly payments: readonly PaymentFact[];
  readonly steps: readonly StepFact[];
  readonly entries: readonly EntryFact[];
  /** The processor's own log. */
  readonly transactions: readonly TransactionFact[];
}

export interface OrderFact {
  readonly id: string;
  readonly currency: string;
  readonly total: bigint;
  readonly refunded: bigint;
  readonly refunding: bigint;
  readonly state: string;
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

const ORDERS = `select id, currency, total_minor as total, refunded_minor as refunded, refunding_minor as refunding, state,
  payment_id as "paymentId", next_attempt_at is not null as "isDue", created_at as "createdAt", updated_at as "updatedAt"
  from orders`;
const REFUNDS = `select order_id as "orderId", amount_minor as amount, state from order_refunds`;
const PAYMENTS = `select id, order_id as "orderId", currency, amount_minor as amount, captured_minor as captured,
  refunded_minor as refunded, state from payments`;
const STEPS = `select id, payment_id as "paymentId", kind, amount_minor as amount, state from steps`;
const ENTRIES = `select step_id as "stepId", movement,
  (select sum(amount_minor) from ledger_postings where entry_id = id and amount_minor > 0)::bigint as amount
  from ledger_entries`;
const TRANSACTIONS = `select id, reference, kind, state, authorization_id as "authorizationId", currency,
  amount_minor as amount from transactions`;

export async function readMoneyFacts(database: Pick<Embedded, "url">): Promise<MoneyFacts> {
  const [[orders, refunds], [payments, steps, entries], [transactions]] = await Promise.all([
    readAll(database, "order", [ORDERS, REFUNDS]),
    readAll(database, "payment", [PAYMENTS, STEPS, ENTRIES]),
    readAll(database, "processor", [TRANSACTIONS]),
  ]);
  return { orders, refunds, payments, steps, entries, transactions } as unknown as MoneyFacts;
}

/** How much is still to be done, by what; empty once all rests. */
export async function countOpen(database: Pick<Embedded, "url">): Promise<Readonly<Record<string, number>>> {
  const count = async (name: string, sql: string) => (await readAll(database, name, [sql]))[0]?.length ?? 0;
  const open = {
    orders: await count("order", "select id from orders where next_attempt_at is not null"),
    steps: await count("payment", "select id from steps where state = 'PENDING'"),
  };
  return Object.fromEntries(Object.entries(open).filter(([, left]) => left > 0));
}

/** All of one moment. */
async function readAll(database: Pick<Embedded, "url">, name: string, queries: readonly string[]): Promise<object[][]> {
  const client = new pg.Client({ connectionString: database.url(name, name), types: { getTypeParser } as never });
  await client.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const results: object[][] = [];
    for (const query of queries) results.push((await client.query(query)).rows);
    return results;
  } finally {
    await client.end();
  }
}

const INT8 = 20;
const getTypeParser = (oid: number, format: "text") => (oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format));
