import pg from "pg";

/** Where the databases of a platform are, for their roles and for the superuser. */
interface Databases {
  url(database: string, role: string): string;
  readonly adminUrl: string;
}

export interface BulkOptions {
  database: Databases;
  /** From this number on, so that several fillings do not meet. */
  from: number;
  count: number;
  userId: string;
  productId: string;
}

/** Of these, which are the oldest, the processor's statement was not compared yet. */
const UNCOMPARED = 40_000;

/** In all the databases the same id for the same number; it ascends with it, as those that services make. */
const uuid = (kind: string) =>
  `overlay(md5('${kind}' || n) placing lpad(to_hex(1700000000000 + n), 12, '0') || '7' from 1 for 13)::uuid`;
/** One second after the other, in milliseconds, as those of a Date. */
const AT = "timestamptz '2024-01-01T00:00:00Z' + n * interval '1 second'";
const CURRENCY = "EUR";
const ORDER = uuid("order");
const PAYMENT = uuid("payment");
/** The steps, which the processor knows by the same ids. */
const AUTHORIZE = uuid("authorize");
const CAPTURE = uuid("capture");
/** The processor's name for the money that it reserved. */
const TRANSACTION = uuid("transaction");
const HOLD = uuid("hold");
const TAKEN = uuid("taken");

/**
 * Orders that were confirmed long ago, with everything that one leaves in each table: also books that add up, with links
 * whose hashes are right, and events that were told. Triggers are not run.
 */
export async function insertBulkOrders(options: BulkOptions): Promise<void> {
  await reconfigure(options.database, "alter system set max_wal_size = '8GB'");
  await Promise.all([fillOrders(options), fillPayments(options), fillProcessor(options)]);
  await reconfigure(options.database, "alter system reset max_wal_size");
}

/** With checkpoints as rare as that, a page of an index is written to the log as a whole once and not again and again. */
async function reconfigure({ adminUrl }: Databases, change: string): Promise<void> {
  const client = new pg.Client(adminUrl);
  await client.connect();
  try {
    await client.query(change);
    await client.query("select pg_reload_conf()");
  } finally {
    await client.end();
  }
}

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

const rowsOf = ({ from, count }: BulkOptions) => `from generate_series(${from + 1}::bigint, ${from + count}) as n`;

async function fillOrders(options: BulkOptions): Promise<void> {
  const { database, userId, productId } = options;
  const rows = rowsOf(options);
  await fill(database, "order", async (query) => {
    await query(`insert into orders (id, user_id, currency, total_minor, payment_method, state, version, payment_asked_at,
      payment_id, created_at, updated_at, next_attempt_at)
      select ${ORDER}, '${userId}', '${CURRENCY}', 1000, 'pm_ok', 'CONFIRMED', 3, ${AT}, ${PAYMENT}, ${AT}, ${AT}, null ${rows}`);
    await query(`insert into order_items (order_id, position, product_id, sku, name, quantity, unit_price_minor)
      select ${ORDER}, 0, '${productId}', 'BULK', 'Bulk', 1, 1000 ${rows}`);
    await query(answers("CreateOrder", rows));
    await query(events("order.v1.OrderEvent", ORDER, rows));
  });
}

async function fillPayments(options: BulkOptions): Promise<void> {
  const { database, userId, count } = options;
  const rows = rowsOf(options);
  const step = (id: string, kind: string) =>
    `select ${id}, ${PAYMENT}, '${kind}', ${uuid(`r${kind}`)}, '${CURRENCY}', 1000, 'DONE', ${AT}, ${AT},
      case when n > ${UNCOMPARED} then ${AT} end ${rows}`;
  const posting = (id: string, account: string, amount: number) => `select ${id}, '${account}', ${amount} ${rows}`;
  const entry = (id: string, stepId: string, movement: string, postings: string) =>
    `select n, ${id} as id, ${PAYMENT} as payment_id, ${stepId} as step_id, '${movement}' as movement,
      '${CURRENCY}' as currency, ${AT} as created_at, '${postings}' as postings ${rows}`;
  await fill(database, "payment", async (query) => {
    await query(`insert into payments (id, order_id, user_id, currency, amount_minor, captured_minor, state,
      authorization_id, created_at, updated_at, version)
      select ${PAYMENT}, ${ORDER}, '${userId}', '${CURRENCY}', 1000, 1000, 'CAPTURED', ${TRANSACTION}, ${AT}, ${AT}, 4 ${rows}`);
    await query(`insert into steps (id, payment_id, kind, request_id, currency, amount_minor, state, lease_expires_at,
      created_at, compared_at) ${step(AUTHORIZE, "AUTHORIZE")} union all ${step(CAPTURE, "CAPTURE")}`);
    await query(`insert into ledger_postings (entry_id, account, amount_minor)
      ${posting(HOLD, "CUSTOMER_HOLDS", 1000)} union all ${posting(HOLD, "PROCESSOR_CLEARING", -1000)} union all
      ${posting(TAKEN, "MERCHANT_RECEIVABLE", 1000)} union all ${posting(TAKEN, "CUSTOMER_HOLDS", -1000)}`);
    await query(`create temporary table entries as select *, row_number() over (order by n, movement desc) as place from (
      ${entry(HOLD, AUTHORIZE, "HOLD", "CUSTOMER_HOLDS=1000,PROCESSOR_CLEARING=-1000")} union all
      ${entry(TAKEN, CAPTURE, "CAPTURE", "CUSTOMER_HOLDS=-1000,MERCHANT_RECEIVABLE=1000")}) as both_movements`);
    await query(`insert into ledger_entries (id, payment_id, step_id, movement, currency, created_at)
      select id, payment_id, step_id, movement, currency, created_at from entries order by place`);
    await linkEntries(query, count);
    await query(answers("AuthorizePayment", rows));
    await query(answers("CapturePayment", rows));
    await query(events("payment.v1.PaymentEvent", PAYMENT, rows));
  });
}

/** Links `entries` behind what is linked, and adds them to the balances, as seal_ledger_entry of the migration does. */
async function linkEntries(query: Query, count: number): Promise<void> {
  await query(`insert into ledger_heads values ('${CURRENCY}', 0, '') on conflict do nothing`);
  const [head] = await query(`select hash::text from ledger_heads where currency = '${CURRENCY}'`);
  await query(`create function pg_temp.link(hash bytea, entry text) returns bytea language sql immutable
    return sha256(hash || convert_to(entry, 'UTF8'))`);
  await query(
    `create aggregate pg_temp.linked(text) (sfunc = pg_temp.link, stype = bytea, initcond = '${head?.hash}')`,
  );
  await query(`create temporary table links as select place, id, pg_temp.linked(concat_ws('|', id, payment_id, step_id, movement,
    currency, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), postings)) over (order by place) as hash
    from entries`);
  await query(`insert into ledger_chain (currency, position, entry_id, hash)
    select '${CURRENCY}', position + place, id, links.hash from links, ledger_heads where currency = '${CURRENCY}'
    order by place`);
  await query(`update ledger_heads set position = position + ${2 * count},
    hash = (select hash from links order by place desc limit 1) where currency = '${CURRENCY}'`);
  const sum = 1000 * count;
  await query(`insert into ledger_balances (account, currency, debit_minor, credit_minor) values
    ('CUSTOMER_HOLDS', '${CURRENCY}', ${sum}, ${sum}), ('MERCHANT_RECEIVABLE', '${CURRENCY}', ${sum}, 0),
    ('PROCESSOR_CLEARING', '${CURRENCY}', 0, ${sum})
    on conflict (currency, account) do update set
      debit_minor = ledger_balances.debit_minor + excluded.debit_minor,
      credit_minor = ledger_balances.credit_minor + excluded.credit_minor`);
}

async function fillProcessor(options: BulkOptions): Promise<void> {
  const rows = rowsOf(options);
  await fill(options.database, "processor", async (query) => {
    await query(`insert into authorizations (id, state, currency, amount_minor)
      select ${TRANSACTION}, 'CAPTURED', '${CURRENCY}', 1000 ${rows}`);
    await query(`insert into transactions (id, reference, kind, state, authorization_id, payment_method, currency,
      amount_minor, decline_reason, created_at)
      select ${TRANSACTION}, ${AUTHORIZE}, 'AUTHORIZE', 'APPROVED', null, 'pm_ok', '${CURRENCY}', 1000, '', ${AT} ${rows}`);
    await query(`insert into transactions (id, reference, kind, state, authorization_id, payment_method, currency,
      amount_minor, decline_reason, created_at)
      select ${uuid("y")}, ${CAPTURE}, 'CAPTURE', 'APPROVED', ${TRANSACTION}, null, '${CURRENCY}', 1000, '', ${AT} ${rows}`);
  });
}

/** Answers, as they are kept for a day. */
const answers = (method: string, rows: string) =>
  `insert into idempotency (principal, method, request_id, fingerprint, response, created_at, expires_at)
    select 'bulk', '${method}', ${uuid(method)}, sha256(''), decode(repeat('00', 300), 'hex'), now(), now() + interval '1 day' ${rows}`;

/** The last event of each, told just now. */
const events = (type: string, id: string, rows: string) =>
  `insert into outbox (event_id, type, aggregate_id, version, message, attempts, published_at)
    select ${uuid("e")}, '${type}', ${id}, 3, decode(repeat('00', 150), 'hex'), 1, now() ${rows}`;

async function fill({ adminUrl }: Databases, name: string, work: (query: Query) => Promise<void>): Promise<void> {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const client = new pg.Client(url.href);
  await client.connect();
  try {
    const query: Query = async (sql) => (await client.query(sql)).rows;
    await query("set session_replication_role = replica");
    // One commit that is durable is enough.
    await query("set synchronous_commit = off");
    await query("set work_mem = '128MB'");
    await work(query);
    await query("vacuum analyze");
    await query("set synchronous_commit = on");
    await query("checkpoint");
  } finally {
    await client.end();
  }
}
