import { setTimeout as delay } from "node:timers/promises";
import type { Embedded } from "@tenon/database/embedded";
import pg from "pg";

/** Adds up the books again and again while money moves. */
export interface BooksReader {
  readonly violations: readonly string[];
  /** Moments that were looked at. */
  readonly snapshots: number;
  run(stop: AbortSignal): Promise<void>;
}

const PAUSE_MS = 400;

/** What one moment shows that cannot be: sums that are not zero, balances that are not what their postings come to. */
const WRONG = `
  with folded as (
    select currency, account, sum(greatest(amount_minor, 0)) as debit, -sum(least(amount_minor, 0)) as credit
    from ledger_entries join ledger_postings on entry_id = id group by currency, account
  )
  select '32: the postings of ' || currency || ' sum to ' || sum(debit - credit) as what
  from folded group by currency having sum(debit - credit) <> 0
  union all
  select '33: the balance of ' || account || ' in ' || currency || ' is not its postings'''
  from folded full join ledger_balances using (currency, account)
  where (debit, credit) is distinct from (debit_minor, credit_minor)
  union all
  select '35: ' || account || ' in ' || currency || ' is below zero'
  from ledger_balances where account <> 'PROCESSOR_CLEARING' and debit_minor < credit_minor`;

export function createBooksReader(database: Pick<Embedded, "url">): BooksReader {
  const violations: string[] = [];
  let snapshots = 0;

  async function look(): Promise<void> {
    const client = new pg.Client({
      connectionString: database.url("payment", "payment"),
      connectionTimeoutMillis: 2000,
    });
    client.on("error", () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ what: string }>(WRONG);
      violations.push(...rows.map(({ what }) => what));
      snapshots += 1;
    } finally {
      await client.end().catch(() => {});
    }
  }

  return {
    violations,
    get snapshots() {
      return snapshots;
    },
    async run(stop) {
      while (!stop.aborted) {
        // The database is killed, too.
        await look().catch(() => {});
        await delay(PAUSE_MS, undefined, { signal: stop }).catch(() => {});
      }
    },
  };
}
