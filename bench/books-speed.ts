import * as paymentv1 from "@tenon/contracts/payment/v1";
import { deleteExpired, openDatabase } from "@tenon/database";
import { createOutbox } from "@tenon/events";
import { createClient, type Metadata } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";

/** How fast work goes that grows with what is kept, each in so many a second. */
export interface BooksSpeed {
  /** Of all that are kept, entries that VerifyLedger read; and whether it came to the end. */
  readonly verified: { readonly entries: number; readonly perSecond: number; readonly complete: boolean };
  /** Transactions of the statement that Reconcile compared. */
  readonly reconciled: { readonly transactions: number; readonly perSecond: number; readonly findings: number };
  /** Answers and told events that were deleted. */
  readonly forgotten: { readonly answersPerSecond: number; readonly eventsPerSecond: number };
}

const logger = createLogger({ name: "bench", level: "silent" });
const DAY_MS = 86_400_000;

/** Each for so long at most, with the services running. */
export async function measureBooks(options: {
  target: string;
  metadata: Metadata;
  orderUrl: string;
  limitMs: number;
}): Promise<BooksSpeed> {
  const { target, metadata, orderUrl, limitMs } = options;
  const ledger = createClient(paymentv1.LedgerService, { target });
  const reconciliation = createClient(paymentv1.ReconciliationService, { target });
  try {
    const read = new Map<string, number>();
    let complete = false;
    const verifying = await timed(limitMs, async (signal) => {
      for await (const each of ledger.verifyLedger({}, { metadata, signal, timeoutMs: 4 * limitMs })) {
        read.set(each.currency, Number(each.entries));
        complete = each.complete;
      }
    });
    const entries = [...read.values()].reduce((sum, count) => sum + count, 0);
    let [transactions, findings] = [0, 0];
    const reconciling = await timed(limitMs, async (signal) => {
      for await (const each of reconciliation.reconcile({}, { metadata, signal, timeoutMs: 4 * limitMs })) {
        [transactions, findings] = [Number(each.transactions), Number(each.openFindings)];
      }
    });
    return {
      verified: { entries, perSecond: entries / verifying, complete },
      reconciled: { transactions, perSecond: transactions / reconciling, findings },
      forgotten: await forget(orderUrl, limitMs / 4),
    };
  } finally {
    ledger.close();
    reconciliation.close();
  }
}

/** As the service's worker does, of what is not old yet. */
async function forget(url: string, limitMs: number): Promise<BooksSpeed["forgotten"]> {
  const db = openDatabase<Record<never, never>>({ url, logger });
  try {
    let [answers, events] = [0, 0];
    const now = new Date(Date.now() + 2 * DAY_MS);
    const answersTook = await timed(limitMs, async (signal) => {
      answers = await deleteExpired(db, { now, signal });
    });
    const eventsTook = await timed(limitMs, async (signal) => {
      events = await createOutbox({ db }).deletePublished({ keepMs: 0, signal });
    });
    return { answersPerSecond: answers / answersTook, eventsPerSecond: events / eventsTook };
  } finally {
    await db.destroy();
  }
}

/** Seconds that it took, until it was done or cut off. */
async function timed(limitMs: number, work: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const signal = AbortSignal.timeout(limitMs);
  const startedAt = performance.now();
  try {
    await work(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return (performance.now() - startedAt) / 1000;
}
