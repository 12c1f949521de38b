import type { Kysely } from "kysely";
import { type Tables, toTransaction } from "./processor-repository.ts";
import type { Transaction } from "./transaction.ts";

/** A transaction that is to be told. */
export interface DueCallback {
  readonly id: string;
  readonly transaction: Transaction;
  /** This one included. */
  readonly attempts: number;
}

/** What is to be told without being asked, until it is acknowledged. */
export interface CallbackQueue {
  /** The one that is due for longest, which nobody else gets until the time that its number of attempts asks for. */
  take(now: Date, nextAt: (attempts: number) => Date): Promise<DueCallback | undefined>;
  /** It was acknowledged, or is given up. */
  remove(id: string): Promise<void>;
}

export function createCallbackQueue(db: Kysely<Tables>): CallbackQueue {
  return {
    take: (now, nextAt) =>
      db.transaction().execute(async (tx) => {
        const due = await tx
          .selectFrom("callbacks")
          .selectAll()
          .where("due_at", "<=", now)
          .orderBy("due_at")
          .limit(1)
          .forUpdate()
          .skipLocked()
          .executeTakeFirst();
        if (due === undefined) return undefined;
        const attempts = due.attempts + 1;
        const change = { attempts, due_at: nextAt(attempts) };
        await tx.updateTable("callbacks").set(change).where("id", "=", due.id).execute();
        const found = tx.selectFrom("transactions").selectAll().where("id", "=", due.transaction_id);
        return { id: due.id, attempts, transaction: toTransaction(await found.executeTakeFirstOrThrow()) };
      }),

    async remove(id) {
      await db.deleteFrom("callbacks").where("id", "=", id).execute();
    },
  };
}
