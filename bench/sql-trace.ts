/** A statement as a process sent it, and what came of it. */
export interface TracedStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Found or changed; 0 for begin, commit and the like. */
  readonly rowCount: number;
  /** The id, or the position in the outbox, of the first row that came back, where it has one. */
  readonly key: unknown;
}

/** Statements that went to a database in one message. */
export interface TracedTrip {
  /** Which process, such as `order`. */
  readonly process: string;
  /** Which of its connections. */
  readonly connection: number;
  readonly statements: readonly TracedStatement[];
  /** Epoch milliseconds when it was sent. */
  readonly at: number;
}

const FRAME = /^(begin|commit$|rollback$)/;
export const isBegin = ({ statements }: TracedTrip) => statements[0]?.text.startsWith("begin") === true;
export const isEnd = ({ statements }: TracedTrip) => /^(commit|rollback)$/.test(statements.at(-1)?.text ?? "");
const placeOf = ({ process, connection }: TracedTrip) => `${process} ${connection}`;

/**
 * What one piece of work sent, of all that was recorded meanwhile: without what processes send when there is nothing to
 * do. A text of `idle` that found nothing is that; a transaction of nothing else, and a trip of its own, are left out.
 */
export function withoutIdle(trace: readonly TracedTrip[], idle: readonly TracedTrip[]): TracedTrip[] {
  const idleTexts = new Set(idle.flatMap(({ statements }) => statements.map(({ text }) => text)));
  const isIdle = ({ statements }: TracedTrip) =>
    statements.every(
      ({ text, rowCount }) => FRAME.test(text) || (idleTexts.has(text) && (rowCount === 0 || text === "select 1")),
    );
  const work = new Set(transactionsOf(trace).flatMap((trips) => (trips.every(isIdle) ? [] : trips)));
  return trace.filter((trip) => work.has(trip));
}

/** The transaction that has this statement. */
export function transactionWith(trace: readonly TracedTrip[], text: RegExp): TracedTrip[] {
  const has = ({ statements }: TracedTrip) => statements.some((each) => text.test(each.text));
  const found = transactionsOf(trace).find((trips) => trips.some(has));
  if (found === undefined) throw new Error(`no statement of the trace is like ${text}`);
  return found;
}

/**
 * The same trips with those of a transaction next to each other, in the order in which transactions ended: so that whoever
 * sends them needs one connection at a time.
 */
export const oneAtATime = (trace: readonly TracedTrip[]): TracedTrip[] => transactionsOf(trace).flat();

/** The trips of each transaction, and each one that is none, as they ended. */
function transactionsOf(trace: readonly TracedTrip[]): TracedTrip[][] {
  const open = new Map<string, TracedTrip[]>();
  const ended: TracedTrip[][] = [];
  for (const trip of trace) {
    const place = placeOf(trip);
    const trips = [...(isBegin(trip) ? [] : (open.get(place) ?? [])), trip];
    if ((isBegin(trip) || open.has(place)) && !isEnd(trip)) {
      open.set(place, trips);
      continue;
    }
    ended.push(trips);
    open.delete(place);
  }
  return ended;
}

/** How many round trips each process made. */
export function countByProcess(trace: readonly TracedTrip[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...Map.groupBy(trace, ({ process }) => process)].map(([name, all]) => [name, all.length]));
}
