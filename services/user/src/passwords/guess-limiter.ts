import { createHmac } from "node:crypto";
import { StatusError } from "@tenon/errors";
import type { Rate } from "@tenon/interceptors";
import { type Kysely, sql } from "kysely";
import type { UserTables } from "../user-tables.ts";

/** Bounds how often a password can be guessed at one account, from however many addresses. */
export interface GuessLimiter {
  /** Counts a guess before it is tried. RESOURCE_EXHAUSTED (RATE_LIMITED) where there were too many. */
  take(email: string): Promise<void>;
  /** The guess was right: those before it are forgotten. */
  forget(email: string): Promise<void>;
}

export interface GuessLimiterOptions {
  db: Kysely<UserTables>;
  /** Keys the hash of emails. The same for every replica. */
  secret: Uint8Array;
  now: () => Date;
  rate: Rate;
}

/**
 * Shared by all replicas, in one statement a guess. The row is a leaky bucket (GCRA): each guess moves its end by the time in
 * which one is earned back, and the end may be no further off than `burst` of them. An email without account is counted like
 * any other, so that the answer does not tell which it is.
 */
export function createGuessLimiter({ db, secret, now, rate }: GuessLimiterOptions): GuessLimiter {
  const costMs = 1000 / rate.perSecond;
  const accountOf = (email: string) => createHmac("sha256", secret).update(`guess:${email.toLowerCase()}`).digest();

  return {
    async take(email) {
      const nowMs = now().getTime();
      const [oneGuess, limit] = [new Date(nowMs + costMs), new Date(nowMs + rate.burst * costMs)];
      const counted = await db
        .insertInto("guesses")
        .values({ account: accountOf(email), expires_at: oneGuess })
        .onConflict((conflict) =>
          conflict
            .column("account")
            .doUpdateSet({
              expires_at: sql`greatest(guesses.expires_at + ${costMs} * interval '1 millisecond', ${oneGuess})`,
            })
            .where(sql`guesses.expires_at + ${costMs} * interval '1 millisecond'`, "<=", limit),
        )
        .executeTakeFirstOrThrow();
      if (counted.numInsertedOrUpdatedRows === 1n) return;
      throw new StatusError("RESOURCE_EXHAUSTED", "too many wrong passwords for this account; try again later", {
        reason: "RATE_LIMITED",
        retryDelayMs: Math.ceil(costMs),
      });
    },

    async forget(email) {
      await db.deleteFrom("guesses").where("account", "=", accountOf(email)).execute();
    },
  };
}
