import type { Guard } from "./guard.ts";

const LEDGER = "services/payment/src/migrations/0002-ledger.sql";
const BOOKS = "services/payment/src/ledger/ledger-guards";

/** The books balance, tell where the money is, and are not rewritten. */
export const bookGuards: readonly Guard[] = [
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
    name: "the books of a payment are in its own currency",
    file: "services/payment/src/migrations/0006-one-currency.sql",
    on: "\n    or booked.strange > 0 then",
    off: " then",
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
    name: "money is reserved once in the books",
    file: LEDGER,
    on: "create unique index ledger_hold_once",
    off: "create index ledger_hold_once",
    tests: BOOKS,
  },
  {
    name: "a refund ends once in the books",
    file: LEDGER,
    on: "create unique index ledger_refund_ends_once",
    off: "create index ledger_refund_ends_once",
    tests: BOOKS,
  },
  {
    name: "a movement of a step is booked once",
    file: LEDGER,
    on: "constraint ledger_entries_once unique (step_id, movement)",
    off: "constraint ledger_entries_once check (true)",
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
    name: "links are written by the sealing alone",
    file: LEDGER,
    on: "create trigger sealed_only before insert on ledger_chain",
    off: "create trigger sealed_only before truncate on ledger_chain",
    tests: BOOKS,
  },
  {
    name: "history that was rewritten is found out by its hashes",
    file: "services/payment/src/ledger/verify-ledger.ts",
    on: "if (!hashOf(entry, last.hash).equals(entry.hash)) throw",
    off: "if (hashOf(entry, last.hash).length === 0) throw",
    tests: BOOKS,
  },
];
