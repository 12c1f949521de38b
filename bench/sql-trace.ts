/** A statement as a process sent it, and what came of it. */
export interface TracedStatement {
  /** Which process, such as `order`. */
  readonly process: string;
  /** Which of its connections. */
  readonly connection: number;
  readonly text: string;
  readonly values: readonly unknown[];
  /** Found or changed; undefined for begin, commit and the like. */
  readonly rowCount: number | undefined;
  /** The id, or the position in the outbox, of the first row that came back, where it has one. */
  readonly key: unknown;
  /** Epoch milliseconds when it was sent. */
  readonly at: number;
}

const isBegin = ({ text }: TracedStatement) => text.startsWith("begin");
const isEnd = ({ text }: TracedStatement) => text === "commit" || text === "rollback";
const isFrame = (statement: TracedStatement) => isBegin(statement) || isEnd(statement);

/**
 * What one piece of work sent, of all that was recorded meanwhile: without what processes send when there is nothing to
 * do. A text of `idle` that found nothing is that, and so is a transaction of which nothing is left.
 */
export function withoutIdle(trace: readonly TracedStatement[], idle: readonly TracedStatement[]): TracedStatement[] {
  const idleTexts = new Set(idle.filter((each) => !isFrame(each)).map(({ text }) => text));
  const isIdle = ({ text, rowCount }: TracedStatement) => idleTexts.has(text) && (!rowCount || text === "select 1");
  const byConnection = Map.groupBy(trace, ({ process, connection }) => `${process} ${connection}`);
  const dropped = new Set<TracedStatement>(trace.filter(isIdle));
  for (const statements of byConnection.values()) {
    for (const transaction of transactionsOf(statements)) {
      if (transaction.every((each) => isFrame(each) || dropped.has(each))) {
        for (const each of transaction) dropped.add(each);
      }
    }
  }
  return trace.filter((each) => !dropped.has(each));
}

/** The transaction that has this statement, with its begin and commit. */
export function transactionWith(trace: readonly TracedStatement[], text: RegExp): TracedStatement[] {
  const within = trace.find((each) => text.test(each.text));
  if (within === undefined) throw new Error(`no statement of the trace is like ${text}`);
  const same = trace.filter((each) => each.process === within.process && each.connection === within.connection);
  return transactionsOf(same).find((transaction) => transaction.includes(within)) ?? [within];
}

/**
 * The same statements with those of a transaction next to each other, in the order in which transactions ended: so that
 * whoever sends them needs one connection at a time.
 */
export function oneAtATime(trace: readonly TracedStatement[]): TracedStatement[] {
  const open = new Map<string, TracedStatement[]>();
  const sent: TracedStatement[] = [];
  for (const statement of trace) {
    const place = `${statement.process} ${statement.connection}`;
    if (isBegin(statement)) open.set(place, []);
    const transaction = open.get(place);
    if (transaction === undefined) sent.push(statement);
    else transaction.push(statement);
    if (transaction === undefined || !isEnd(statement)) continue;
    sent.push(...transaction);
    open.delete(place);
  }
  return sent;
}

/** The transactions of one connection. */
function transactionsOf(statements: readonly TracedStatement[]): TracedStatement[][] {
  const transactions: TracedStatement[][] = [];
  let open: TracedStatement[] | undefined;
  for (const statement of statements) {
    if (isBegin(statement)) {
      open = [];
      transactions.push(open);
    }
    open?.push(statement);
    if (isEnd(statement)) open = undefined;
  }
  return transactions;
}

/** How many round trips each process made. */
export function countByProcess(trace: readonly TracedStatement[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...Map.groupBy(trace, ({ process }) => process)].map(([name, all]) => [name, all.length]));
}
