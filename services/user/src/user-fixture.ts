import { randomBytes } from "node:crypto";
import type { Rate } from "@tenon/interceptors";
import { createManualClock, type TestDatabase, testDatabase } from "@tenon/testing";
import { sql } from "kysely";
import { v7 as newUuid } from "uuid";
import { afterAll } from "vitest";
import type { Argon2Cost } from "./passwords/argon2.ts";
import { createCredentialsRepository } from "./passwords/credentials-repository.ts";
import { createCredentialsService, type Passwords } from "./passwords/credentials-service.ts";
import { createGuessLimiter } from "./passwords/guess-limiter.ts";
import { createPasswords } from "./passwords/passwords.ts";
import { userMigrations } from "./server.ts";
import { createSessionRepository } from "./sessions/session-repository.ts";
import { createSessionService, type SessionServiceOptions } from "./sessions/session-service.ts";
import { createStoredAnswers } from "./stored-answers.ts";
import type { Access, Role, User } from "./user.ts";
import { createUserRepository } from "./user-repository.ts";
import { createUserService, type UserService } from "./user-service.ts";
import type { UserTables } from "./user-tables.ts";

/** The least that argon2id takes: tests are about what is done with hashes, not about their cost. */
export const CHEAP: Argon2Cost = { memoryKiB: 8, passes: 1, parallelism: 1 };

export const PASSWORD = "correct horse battery";

let database: Promise<TestDatabase<UserTables>> | undefined;

afterAll(async () => (await database)?.close());

/** A database with the service's tables, and nothing in them: one for a file of tests, emptied for each. */
export async function userDatabase(): Promise<TestDatabase<UserTables>> {
  database ??= testDatabase<UserTables>({ migrations: userMigrations });
  const { db } = await database;
  for (const table of ["sessions", "users", "signing_keys", "guesses", "idempotency"]) {
    await sql`delete from ${sql.table(table)}`.execute(db);
  }
  return database;
}

export interface UserRulesOptions {
  passwords?: Passwords;
  guesses?: Rate;
  sessionLimits?: Pick<SessionServiceOptions, "maxAgeMs" | "maxIdleMs" | "retryWindowMs" | "maxPerUser">;
}

/** The rules on a real database, with a clock that stands still. */
export async function userRules({
  passwords = createPasswords({ cost: CHEAP }),
  guesses,
  sessionLimits,
}: UserRulesOptions = {}) {
  const { db } = await userDatabase();
  const clock = createManualClock();
  const newId = () => newUuid();
  const inTransaction = <T>(work: (users: UserService) => Promise<T>) =>
    db.transaction().execute((tx) =>
      work(
        createUserService({
          users: createUserRepository(tx),
          sessions: createSessionRepository(tx),
          answers: createStoredAnswers(tx),
          now: clock.now,
          newId,
        }),
      ),
    );
  const credentials = createCredentialsService({
    credentials: createCredentialsRepository(db),
    passwords,
    guesses: guesses && createGuessLimiter({ db, secret: randomBytes(16), now: clock.now, rate: guesses }),
  });
  const sessions = createSessionService({
    sessions: createSessionRepository(db),
    now: clock.now,
    newId,
    randomBytes,
    ...sessionLimits,
  });

  let signUps = 0;
  return {
    db,
    clock,
    credentials,
    sessions,
    inTransaction,
    async signUp({ email = `user${++signUps}@example.com`, role = "USER" as Role } = {}): Promise<User> {
      const prepared = await credentials.prepareUser({ email, displayName: "Ada", password: PASSWORD });
      return inTransaction((users) => users.createUser({ ...prepared, role }));
    },
    logIn: async (email: string, password = PASSWORD) =>
      sessions.startSession(await credentials.prove({ email, password })),
  };
}

export type UserRules = Awaited<ReturnType<typeof userRules>>;

export const STRANGER = "0199a1b2-0000-7000-8000-000000000000";

export const own = (user: User): Access => ({ ownerId: user.id });

/** The change of a name, as its owner asks for it. */
export const rename = (user: User, displayName: string, etag = "", access = own(user)) => ({
  userId: user.id,
  access,
  etag,
  paths: ["display_name"],
  values: { email: "", displayName },
});
