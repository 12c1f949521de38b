import type { Life } from "./simulation.ts";

/** Tables in memory: rows by key. Rows are never changed, only replaced, so that a copy of the tables is one of the data. */
export type MemoryTables = Readonly<Record<string, Map<string, unknown>>>;

export interface MemoryDatabase<T extends MemoryTables> {
  /** All of a transaction's work on a copy, which becomes the tables when it ends; where it throws, nothing does. */
  atomically<R>(life: Life, work: (tables: T) => Promise<R>): Promise<R>;
  /** The tables as they were committed last. */
  readonly committed: T;
}

/**
 * A database that outlives its processes, in a simulation. Transactions come one after the other; the one of a process that
 * is killed is rolled back, or has been committed and nobody was told.
 */
export function createMemoryDatabase<T extends MemoryTables>(empty: T): MemoryDatabase<T> {
  let committed = empty;
  let last: Promise<void> = Promise.resolve();

  return {
    get committed() {
      return committed;
    },
    async atomically(life, work) {
      const over = Promise.withResolvers<void>();
      const before = last;
      last = before.then(() => over.promise);
      const settled = life.whenOver(over.resolve);
      try {
        await before;
        if (life.isOver) return await new Promise<never>(() => {});
        const draft = Object.fromEntries(Object.entries(committed).map(([name, rows]) => [name, new Map(rows)])) as T;
        const result = await work(draft);
        await life.moment("before a commit");
        committed = draft;
        over.resolve();
        await life.moment("after a commit");
        return result;
      } finally {
        over.resolve();
        settled();
      }
    },
  };
}

/** Of a process that nobody kills, for tests of what is kept in memory without a simulation. */
export const untroubledLife: Life = {
  name: "untroubled",
  isOver: false,
  now: () => new Date(),
  sleep: async () => {},
  moment: async () => {},
  whenOver: () => () => {},
};
