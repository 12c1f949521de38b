import type { Examiner } from "./examiner.ts";
import type { FindingStore } from "./finding.ts";
import type { OurSides } from "./our-side.ts";
import type { Statement } from "./statement.ts";

export interface ReconcilerOptions {
  statement: Statement;
  examine: Examiner;
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
 */
export function createReconciler(options: ReconcilerOptions): Reconcile {
  const { statement, examine, ourSides, findings, now, unansweredMs } = options;

  return async function* reconcile({ signal, maxPages = Number.POSITIVE_INFINITY }) {
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
    const startMs = startedAt.getTime();
    await look(() => findings.listDue(startedAt, BATCH));
    await look(() => ourSides.listUnanswered(new Date(startMs - unansweredMs), BATCH), 1);
    // What the whole statement did not bring. While a part of it is unread nothing can be said.
    if (isWhole) await look(() => ourSides.listUncompared(startedAt, BATCH));
    yield await progress(isWhole);

    /** Asks the processor for each; until none is left, or for so many rounds. */
    async function look(list: () => Promise<readonly string[]>, rounds = Number.POSITIVE_INFINITY): Promise<void> {
      for (let round = 0; round < rounds; round++) {
        const references = await list();
        for (const reference of references) {
          signal.throwIfAborted();
          repairs += await examine([{ reference, line: await statement.find(reference, { signal }) }]);
        }
        if (references.length < BATCH) return;
      }
    }
  };
}
