import { createHash } from "node:crypto";
import type { Kysely } from "kysely";
import type { Entry, NewEntry } from "./ledger.ts";
import { createLedgerStore, linkedEntries, toEntry } from "./ledger-repository.ts";
import type { LedgerTables } from "./ledger-tables.ts";

/** What the books of one currency come to. */
export interface VerifiedCurrency {
  readonly currency: string;
  readonly entries: bigint;
  /** The newest link. Whoever keeps it can tell later that nothing before it was changed. */
  readonly hash: string;
}

const BATCH = 1000;

/**
 * Reads all the books of one moment from their beginning: every entry sums to zero, every link of each chain is there and
 * has the hash that its entry gives, and every balance is what its postings come to. Throws an error that names the first
 * thing that is not so. Takes time and no locks; memory for a thousand entries.
 */
export const verifyLedger = (db: Kysely<LedgerTables>): Promise<readonly VerifiedCurrency[]> =>
  db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (tx) => {
      const heads = await tx.selectFrom("ledger_heads").selectAll().orderBy("currency").execute();
      const folded = new Map<string, { debitMinor: bigint; creditMinor: bigint }>();
      for (const { currency, position, hash } of heads) {
        const last = await foldCurrency(tx, currency, folded);
        if (last.position !== position || !Buffer.from(hash).equals(last.hash)) {
          throw new Error(`the chain of ${currency} does not end where its head says`);
        }
      }
      await compareBalances(tx, folded);
      await compareCounts(tx, heads);
      return heads.map(({ currency, position, hash }) => ({
        currency,
        entries: position,
        hash: Buffer.from(hash).toString("hex"),
      }));
    });

async function foldCurrency(
  tx: Kysely<LedgerTables>,
  currency: string,
  folded: Map<string, { debitMinor: bigint; creditMinor: bigint }>,
): Promise<{ position: bigint; hash: Buffer }> {
  let last = { position: 0n, hash: Buffer.alloc(0) };
  for (;;) {
    const rows = await linkedEntries(tx)
      .where("ledger_chain.currency", "=", currency)
      .where("position", ">", last.position)
      .orderBy("position")
      .limit(BATCH)
      .execute();
    for (const entry of rows.map(toEntry)) {
      assertLink(entry, last);
      for (const { account, amountMinor } of entry.postings) {
        const sums = folded.get(`${currency} ${account}`) ?? { debitMinor: 0n, creditMinor: 0n };
        if (amountMinor > 0n) sums.debitMinor += amountMinor;
        else sums.creditMinor -= amountMinor;
        folded.set(`${currency} ${account}`, sums);
      }
      last = { position: entry.position, hash: Buffer.from(entry.hash) };
    }
    if (rows.length < BATCH) return last;
  }
}

function assertLink(entry: Entry, last: { position: bigint; hash: Buffer }): void {
  const place = `${entry.currency} ${entry.position}`;
  if (entry.position !== last.position + 1n) throw new Error(`links before ${place} are missing`);
  if (entry.postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0n) !== 0n) {
    throw new Error(`the postings of ${place} do not sum to zero`);
  }
  if (!hashOf(entry, last.hash).equals(entry.hash)) throw new Error(`${place} is not what it was when it was written`);
}

/** As seal_ledger_entry of the migration has it. */
export function hashOf(entry: NewEntry, previous: Uint8Array): Buffer {
  const { id, paymentId, stepId, movement, currency, createdAt } = entry;
  const postings = entry.postings.map(({ account, amountMinor }) => `${account}=${amountMinor}`).sort();
  const text = [id, paymentId, stepId, movement, currency, createdAt.toISOString(), postings.join(",")].join("|");
  return createHash("sha256").update(previous).update(text).digest();
}

async function compareBalances(tx: Kysely<LedgerTables>, folded: Map<string, object>): Promise<void> {
  const balances = await createLedgerStore(tx).balances();
  const kept = new Map(
    balances.map(({ currency, account, debitMinor, creditMinor }) => [
      `${currency} ${account}`,
      { debitMinor, creditMinor },
    ]),
  );
  for (const key of new Set([...kept.keys(), ...folded.keys()])) {
    if (sums(kept.get(key)) !== sums(folded.get(key))) throw new Error(`the balance of ${key} is not its postings'`);
  }
}

const sums = (balance: object | undefined) => Object.values(balance ?? {}).join(" ");

/** Nothing stands beside the chains. */
async function compareCounts(tx: Kysely<LedgerTables>, heads: readonly { position: bigint }[]): Promise<void> {
  const { count } = await tx
    .selectFrom("ledger_entries")
    .select(({ fn }) => fn.countAll<bigint>().as("count"))
    .executeTakeFirstOrThrow();
  const linked = heads.reduce((sum, { position }) => sum + position, 0n);
  if (BigInt(count) !== linked) throw new Error(`${count} entries are written and ${linked} are linked`);
}
