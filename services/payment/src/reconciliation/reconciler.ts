import type { Examiner } from "./examiner.ts";
import type { FindingStore } from "./finding.ts";
import type { OurSides } from "./our-side.ts";
import type { Statement } from "./statement.ts";

export interface ReconcilerOptions {
  statement: Statement;
  examiner: Examiner;
  ourSides: OurSides;
  findings: FindingStore;
  now: () => Date;
  /** A step that has no answer for so long is reported. */
  unansweredMs: number;
}

/** How far it is. */
export interface Reconciled {
  readonly transactions: number;
  readonly repairs: number;
  readonly openFindings: number;
  readonly complete: boolean;
}

export interface ReconcileOptions {
  signal: AbortSignal;
  /** Pages of the statement at most; by default all. */
  maxPages?: number;
}

/** References that are asked for one by one in a round: of each kind. */
const BATCH = 200;

export type Reconcile = (options: ReconcileOptions) => AsyncGenerator<Reconciled>;

/**
 * Compares payments, books and statement: what is new in the statement, every finding that is open, and what is done here
 * and not in the statement. Yields after each page, and in the end. Keeps nothing but a cursor, so that it may end
 * anywhere and be done by any number of processes: one that finds the cursor moved by another leaves the rest to it.
 * Where the processor is silent this ends with its error, and what has no answer for too long is written down before.
 */
export function createReconciler(options: ReconcilerOptions): Reconcile {
  const { statement, examiner, ourSides, findings, now, unansweredMs } = options;
  const { examine, reportUnanswered } = examiner;

  const listUnanswered = () => ourSides.listUnanswered(new Date(now().getTime() - unansweredMs), BATCH);

  return async function* reconcile(how) {
    try {
      yield* compare(how);
    } catch (error) {
      for (let left = BATCH; left === BATCH && !how.signal.aborted; ) {
        const references = await listUnanswered();
        await reportUnanswered(references);
        left = references.length;
      }
      throw error;
    }
  };

  async function* compare({ signal, maxPages = Number.POSITIVE_INFINITY }: ReconcileOptions) {
    const startedAt = now();
    let [transactions, repairs] = [0, 0];
    const progress = async (complete: boolean): Promise<Reconciled> => {
      const counts = await findings.countOpen();
      const openFindings = [...counts.values()].reduce((sum, count) => sum + count, 0);
      return { transactions, repairs, openFindings, complete };
    };

    let isWhole = false;
    for (let page = 0; page < maxPages && !isWhole; page++) {
      const cursor = await ourSides.cursor();
      const { lines, nextPageToken } = await statement.read(cursor, { signal });
      const compared = await ourSides.comparedOf(lines.map(({ reference }) => reference));
      const fresh = lines.filter(({ reference }) => !compared.has(reference));
      repairs += await examine(fresh.map((line) => ({ reference: line.reference, line })));
      transactions += fresh.length;
      if (nextPageToken === undefined) isWhole = true;
      else if (!(await ourSides.moveCursor(cursor, nextPageToken))) break;
      else yield await progress(false);
    }
    await look(() => findings.listDue(startedAt, BATCH));
    await look(listUnanswered);
    // What the whole statement did not bring. While a part of it is unread nothing can be said.
    if (isWhole) await look(() => ourSides.listUncompared(startedAt, BATCH));
    yield await progress(isWhole);

    /** Asks the processor for each, until none is left. */
    async function look(list: () => Promise<readonly string[]>): Promise<void> {
      for (;;) {
        const references = await list();
        for (const reference of references) {
          signal.throwIfAborted();
          repairs += await examine([{ reference, line: await statement.find(reference, { signal }) }]);
        }
        if (references.length < BATCH) return;
      }
    }
  }
}
