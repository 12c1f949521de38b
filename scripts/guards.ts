/** A guard of the money's promises, how it is switched off, and the tests that must turn red then. */
export interface Guard {
  readonly name: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly on: string;
  /** What stands there when the guard is off. */
  readonly off: string;
  /** A path as vitest takes it. */
  readonly tests: string;
}

const ONCE = "packages/database/src/idempotency/request-record.ts";
const QUEUE = "services/order/src/saga/postgres-order-queue.ts";
const ORDER = "services/order/src/order";
const STORE = "services/payment/src/payment-repository.ts";
const PAYMENTS = "services/payment/src/migrations/0001-payments.sql";
const LEDGER = "services/payment/src/migrations/0002-ledger.sql";
const RULES = "services/payment/src/payment-service";
const BOOKS = "services/payment/src/ledger/ledger-guards";
const COMPARED = "services/payment/src/reconciliation/";
const EVENT_INBOX = "packages/events/src/inbox/event-inbox";
const EVENT_OUTBOX = "packages/events/src/outbox/event-outbox";

export const GUARDS: readonly Guard[] = [
  {
    name: "a request id is locked while its request is at work",
    file: ONCE,
    on: "if (!locks.rows[0]?.locked) throw",
    off: "if (locks.rows.length > 1) throw",
    tests: "packages/database/src/idempotency/once",
  },
  {
    name: "a request id is refused for another request",
    file: ONCE,
    on: "if (!sameFingerprint(record.fingerprint, key.fingerprint)) throw reused();",
    off: "",
    tests: "packages/database/src/idempotency/once",
  },
  {
    name: "who lost the lease of a request does not settle it",
    file: ONCE,
    on: "if (records.rows[0]?.lease !== leaseId) throw inProgress(RETRY_DELAY_MS);",
    off: "",
    tests: "packages/database/src/idempotency/once",
  },
  {
    name: "an order has one payment that is not declined",
    file: PAYMENTS,
    on: "create unique index payments_one_alive",
    off: "create index payments_one_alive",
    tests: RULES,
  },
  {
    name: "a payment is locked while it is decided about",
    file: STORE,
    on: '.where("id", "=", id).forUpdate()',
    off: '.where("id", "=", id)',
    tests: "services/payment/src/payment-races",
  },
  {
    name: "an answer of the processor is written once",
    file: STORE,
    on: '        .where("id", "=", id)\n        .where("state", "=", "PENDING")',
    off: '        .where("id", "=", id)',
    tests: RULES,
  },
  {
    name: "refunds under way count as given back",
    file: "services/payment/src/payment-service.ts",
    on: "  capturedMinor - refundedMinor - refundingMinor;",
    off: "  capturedMinor - refundedMinor + 0n * refundingMinor;",
    tests: "services/payment/src/ledger/ledger-books",
  },
  {
    name: "the orders of a worker that died are taken over",
    file: QUEUE,
    on: "and (lease_until is null or lease_until < now() or",
    off: "and (lease_until is null or",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "a claim of a clock that was wrong binds nobody",
    file: QUEUE,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template.
    on: " or lease_until > ${after(LONGEST_WAIT_MS)}",
    off: "",
    tests: "services/order/src/order-storage",
  },
  {
    name: "a lease of a clock that was wrong keeps no step from being finished",
    file: STORE,
    on: 'eb("lease_expires_at", ">", leaseUntil(Number.POSITIVE_INFINITY))',
    off: 'eb("lease_expires_at", "<=", now)',
    tests: "services/payment/src/payment-storage",
  },
  {
    name: "an order whose request for money may have left does not end as if none had",
    file: "services/order/src/saga/order-saga.ts",
    on: "if (!order.paymentAsked) return endUnasked(order);",
    off: "if (order.paymentId === undefined) return endUnasked(order);",
    tests: "services/order/src/saga/order-saga.test",
  },
  {
    name: "the processor is asked again under the same reference",
    file: "services/payment/src/payment-driver.ts",
    on: "const { id: reference, kind, amount } = step;",
    off: "const { kind, amount } = step;\n    const reference = crypto.randomUUID();",
    tests: "services/payment/src/payment-crash",
  },
  {
    name: "who lost the claim of an order changes nothing",
    file: QUEUE,
    on: '.updateTable("orders").where("id", "=", id).where("claimed_by", "=", claim)',
    off: '.updateTable("orders").where("id", "=", id)',
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "who knows an older version of an order changes nothing",
    file: QUEUE,
    on: 'held(order, on).set(values).where("version", "=", order.version)',
    off: "held(order, on).set(values)",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "an order's refunds under way count as given back",
    file: `${ORDER}-service.ts`,
    on: "total.minor - refunded.minor - refunding.minor",
    off: "total.minor - refunded.minor",
    tests: `${ORDER}-refunds.test`,
  },
  {
    name: "an order moves along its edges only",
    file: "services/order/src/migrations/0002-orders.sql",
    on: "if new.state <> old.state",
    off: "if false",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "postings come with their entry",
    file: LEDGER,
    on: "if not exists (\n    select from ledger_entries",
    off: "if false and not exists (\n    select from ledger_entries",
    tests: BOOKS,
  },
  {
    name: "an entry sums to zero",
    file: LEDGER,
    on: "if posted.postings < 2 or posted.total <> 0 then",
    off: "if false then",
    tests: BOOKS,
  },
  {
    name: "a payment does not move without its books",
    file: LEDGER,
    on: "create constraint trigger payment_books after insert or update",
    off: "create constraint trigger payment_books after delete",
    tests: BOOKS,
  },
  {
    name: "the books do not move without their payment",
    file: LEDGER,
    on: "  perform check_payment_books(new.payment_id);\n",
    off: "",
    tests: BOOKS,
  },
  {
    name: "a reservation ends once",
    file: LEDGER,
    on: "create unique index ledger_hold_ends_once",
    off: "create index ledger_hold_ends_once",
    tests: BOOKS,
  },
  {
    name: "no balance passes zero",
    file: LEDGER,
    on: "then debit_minor <= credit_minor else debit_minor >= credit_minor end",
    off: "then true else true end",
    tests: BOOKS,
  },
  {
    name: "nobody has the right to change postings",
    file: LEDGER,
    on: "revoke update, delete, truncate on ledger_entries, ledger_postings, ledger_chain",
    off: "revoke update, delete, truncate on ledger_entries, ledger_chain",
    tests: BOOKS,
  },
  {
    name: "postings are not changed by who has the right",
    file: LEDGER,
    on: "create trigger append_only before update or delete or truncate on ledger_postings",
    off: "create trigger append_only before insert on ledger_heads",
    tests: BOOKS,
  },
  {
    name: "balances are written by the sealing alone",
    file: LEDGER,
    on: "create trigger sealed_only before insert or update or delete or truncate on ledger_balances",
    off: "create trigger sealed_only before truncate on ledger_balances",
    tests: BOOKS,
  },
  {
    name: "a version that took effect has no second one",
    file: "packages/events/src/inbox/inbox-version.ts",
    on: "where inbox.version < excluded.version",
    off: "where true",
    tests: EVENT_INBOX,
  },
  {
    name: "an effect and what remembers it are one transaction",
    file: "packages/events/src/inbox/event-inbox.ts",
    on: "await claimVersion(tx, event)",
    off: "await claimVersion(db, event)",
    tests: EVENT_INBOX,
  },
  {
    name: "a version is told after the one before it",
    file: "packages/events/src/outbox/event-outbox.ts",
    on: "and earlier.version < due.version and num_nulls(earlier.published_at) = 1",
    off: "and false",
    tests: EVENT_OUTBOX,
  },
  {
    name: "relays do not tell what another has claimed",
    file: "packages/events/src/outbox/event-outbox.ts",
    on: "where published_at is null and next_attempt_at <= now() and not exists (",
    off: "where published_at is null and not exists (",
    tests: EVENT_OUTBOX,
  },
  {
    name: "no version is without its event",
    file: "packages/events/src/outbox/migrations/0001-outbox.sql",
    on: "if not exists (\n    select from outbox",
    off: "if false and not exists (\n    select from outbox",
    tests: "packages/events/src/outbox/write-event",
  },
  {
    name: "a service tells its own events only",
    file: "packages/events/src/event-handler.ts",
    on: "assertOwn(event.$typeName, call);",
    off: "",
    tests: "packages/events/src/grpc-delivery",
  },
  {
    name: "a line of the statement about something else settles nothing",
    file: `${COMPARED}examiner.ts`,
    on: 'if (ours.step.state !== "PENDING" || factsDiffer(ours, line)) return undefined;',
    off: 'if (ours.step.state !== "PENDING") return undefined;',
    tests: `${COMPARED}callback`,
  },
];
