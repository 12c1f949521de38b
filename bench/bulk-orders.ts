import pg from "pg";

/** Where the databases of a platform are, for their roles and for the superuser. */
interface Databases {
  url(database: string, role: string): string;
  readonly adminUrl: string;
}

export interface BulkOptions {
  database: Databases;
  count: number;
  userId: string;
  productId: string;
}

const uuid = (salt: string) => `md5('${salt}' || n)::uuid`;
const at = "now() - n * interval '1 second'";

/** Orders that were confirmed long ago, with everything that one leaves in each table. Triggers are not run. */
export async function insertBulkOrders({ database, count, userId, productId }: BulkOptions): Promise<void> {
  const rows = `from generate_series(1, ${count}) as n`;
  const salt = `${count}`;
  const [order, payment, auth, capture, hold, taken] = ["o", "p", "a", "c", "h", "t"].map((kind) =>
    uuid(`${kind}${salt}-`),
  );
  const currency = "EUR";
  await run(database, "order", [
    `insert into orders (id, user_id, currency, total_minor, payment_method, state, version, payment_asked_at, payment_id,
      created_at, updated_at, next_attempt_at)
      select ${order}, '${userId}', '${currency}', 1000, 'pm_ok', 'CONFIRMED', 3, ${at}, ${payment}, ${at}, ${at}, null ${rows}`,
    `insert into order_items (order_id, position, product_id, sku, name, quantity, unit_price_minor)
      select ${order}, 0, '${productId}', 'BULK', 'Bulk', 1, 1000 ${rows}`,
    idempotency("order", salt, count),
  ]);
  const entry = (id: string, step: string, movement: string) =>
    `select ${id}, ${payment}, ${step}, '${movement}', '${currency}', ${at} ${rows}`;
  const posting = (id: string, account: string, amount: number) => `select ${id}, '${account}', ${amount} ${rows}`;
  await run(database, "payment", [
    `insert into payments (id, order_id, user_id, currency, amount_minor, captured_minor, state, authorization_id, created_at,
      updated_at, version)
      select ${payment}, ${order}, '${userId}', '${currency}', 1000, 1000, 'CAPTURED', ${auth}, ${at}, ${at}, 4 ${rows}`,
    `insert into steps (id, payment_id, kind, request_id, currency, amount_minor, state, lease_expires_at)
      select ${auth}, ${payment}, 'AUTHORIZE', ${uuid(`ra${salt}-`)}, '${currency}', 1000, 'DONE', ${at} ${rows}
      union all select ${capture}, ${payment}, 'CAPTURE', ${uuid(`rc${salt}-`)}, '${currency}', 1000, 'DONE', ${at} ${rows}`,
    `insert into ledger_entries (id, payment_id, step_id, movement, currency, created_at)
      ${entry(hold ?? "", auth ?? "", "HOLD")} union all ${entry(taken ?? "", capture ?? "", "CAPTURE")}`,
    `insert into ledger_postings (entry_id, account, amount_minor)
      ${posting(hold ?? "", "CUSTOMER_HOLDS", 1000)} union all ${posting(hold ?? "", "PROCESSOR_CLEARING", -1000)}
      union all ${posting(taken ?? "", "MERCHANT_RECEIVABLE", 1000)} union all ${posting(taken ?? "", "CUSTOMER_HOLDS", -1000)}`,
    `insert into ledger_chain (currency, position, entry_id, hash)
      select 'XTS', coalesce((select max(position) from ledger_chain where currency = 'XTS'), 0) + n, ${hold}, sha256('') ${rows}`,
    `insert into ledger_chain (currency, position, entry_id, hash)
      select 'XTS', (select max(position) from ledger_chain where currency = 'XTS') + n, ${taken}, sha256('') ${rows}`,
    idempotency("payment", salt, 2 * count),
  ]);
  await run(database, "processor", [
    `insert into transactions (id, reference, kind, state, authorization_id, payment_method, currency, amount_minor,
      decline_reason, created_at)
      select ${uuid(`x${salt}-`)}, ${auth}, 'AUTHORIZE', 'APPROVED', null, 'pm_ok', '${currency}', 1000, '', ${at} ${rows}`,
    `insert into transactions (id, reference, kind, state, authorization_id, payment_method, currency, amount_minor,
      decline_reason, created_at)
      select ${uuid(`y${salt}-`)}, ${capture}, 'CAPTURE', 'APPROVED', ${uuid(`x${salt}-`)}, null, '${currency}', 1000, '', ${at} ${rows}`,
    `insert into authorizations (id, state, currency, amount_minor)
      select ${uuid(`x${salt}-`)}, 'CAPTURED', '${currency}', 1000 ${rows}`,
  ]);
}

/** Answers that are kept for a day. */
const idempotency = (name: string, salt: string, count: number) =>
  `insert into idempotency (principal, method, request_id, fingerprint, response, created_at, expires_at)
    select 'bulk', '/${name}.v1/Bulk', md5('i${salt}-' || n)::uuid, sha256(''), decode(repeat('00', 300), 'hex'), now(),
    now() + interval '1 day' from generate_series(1, ${count}) as n`;

async function run({ adminUrl }: Databases, name: string, statements: readonly string[]): Promise<void> {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const client = new pg.Client(url.href);
  await client.connect();
  try {
    await client.query("set session_replication_role = replica");
    for (const statement of statements) await client.query(statement);
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
}
