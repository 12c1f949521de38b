import { createHash } from "node:crypto";
import { StatusError } from "@tenon/errors";
import type { Kysely } from "kysely";
import type { Entry, NewEntry } from "./ledger.ts";
import { createLedgerStore, linkedEntries, toEntry } from "./ledger-repository.ts";
import type { LedgerTables } from "./ledger-tables.ts";

/** How far the books of one currency were read. */
export interface VerifiedCurrency {
  readonly currency: string;
  readonly entries: bigint;
  /** The newest link. Whoever keeps it can tell later that nothing before it was changed. */
  readonly hash: Uint8Array;
  /** Everything was read and compared. */
  readonly complete: boolean;
}

type Sums = Map<string, { debitMinor: bigint; creditMinor: bigint }>;

const BATCH = 1000;

/**
 * Reads all the books of one moment from their beginning: every entry sums to zero, every link of each chain is there and
 * has the hash that its entry gives, and every balance is what its postings come to. Yields how far it is, and each
 * currency when all is read. Throws DATA_LOSS that names the first thing that is not so. Takes time and no locks; memory
 * for a thousand entries.
 */
export async function* verifyLedger(db: Kysely<LedgerTables>): AsyncGenerator<VerifiedCurrency> {
  const tx = await db.startTransaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute();
  try {
    const heads = await tx.selectFrom("ledger_heads").selectAll().orderBy("currency").execute();
    const folded: Sums = new Map();
    for (const head of heads) yield* foldCurrency(tx, head, folded);
    await compareBalances(tx, folded);
    await compareCounts(tx, heads);
    yield* heads.map(({ currency, position, hash }) => ({ currency, entries: position, hash, complete: true }));
  } finally {
    // It read only. Where the connection is lost there is nothing to end.
    await tx
      .rollback()
      .execute()
      .catch(() => {});
  }
}

async function* foldCurrency(
  tx: Kysely<LedgerTables>,
  { currency, position, hash }: { currency: string; position: bigint; hash: Uint8Array },
  folded: Sums,
): AsyncGenerator<VerifiedCurrency> {
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
    if (rows.length < BATCH) break;
    yield { currency, entries: last.position, hash: last.hash, complete: false };
  }
  if (last.position !== position || !last.hash.equals(hash)) {
    throw broken(`the chain of ${currency} does not end where its head says`);
  }
}

function assertLink(entry: Entry, last: { position: bigint; hash: Buffer }): void {
  const place = `${entry.currency} ${entry.position}`;
  if (entry.position !== last.position + 1n) throw broken(`links before ${place} are missing`);
  if (entry.postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0n) !== 0n) {
    throw broken(`the postings of ${place} do not sum to zero`);
  }
  if (!hashOf(entry, last.hash).equals(entry.hash)) throw broken(`${place} is not what it was when it was written`);
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
    if (sums(kept.get(key)) !== sums(folded.get(key))) throw broken(`the balance of ${key} is not its postings'`);
  }
}

const broken = (message: string) => new StatusError("DATA_LOSS", message, { reason: "LEDGER_BROKEN" });

const sums = (balance: object | undefined) => Object.values(balance ?? {}).join(" ");

/** Nothing stands beside the chains. */
async function compareCounts(tx: Kysely<LedgerTables>, heads: readonly { position: bigint }[]): Promise<void> {
  const { count } = await tx
    .selectFrom("ledger_entries")
    .select(({ fn }) => fn.countAll<bigint>().as("count"))
    .executeTakeFirstOrThrow();
  const linked = heads.reduce((sum, { position }) => sum + position, 0n);
  if (BigInt(count) !== linked) throw broken(`${count} entries are written and ${linked} are linked`);
}
