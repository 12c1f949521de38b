import { randomBytes } from "node:crypto";
import * as userv1 from "@tenon/contracts/user/v1";
import { createOnce, createPaging } from "@tenon/database";
import { type Implementation, implement } from "@tenon/grpc";
import { detached, principalOf, type Rate } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import type { Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import { v7 as newUuid } from "uuid";
import { type FirstAdmin, type FirstAdminOptions, makeFirstAdmin } from "./first-admin.ts";
import { readKeyFile } from "./keys/key-file.ts";
import { createKeyHandler, toPublicJwk } from "./keys/key-handler.ts";
import { createKeyRepository } from "./keys/key-repository.ts";
import { createKeyRing, type KeyRing } from "./keys/key-ring.ts";
import { createCredentialsRepository } from "./passwords/credentials-repository.ts";
import { createCredentialsService, type Passwords } from "./passwords/credentials-service.ts";
import { createGuessLimiter } from "./passwords/guess-limiter.ts";
import { createPasswords } from "./passwords/passwords.ts";
import { createAccessTokens } from "./sessions/access-tokens.ts";
import { createSessionHandler } from "./sessions/session-handler.ts";
import { createSessionRepository } from "./sessions/session-repository.ts";
import { createSessionService, type SessionServiceOptions } from "./sessions/session-service.ts";
import { createStoredAnswers } from "./stored-answers.ts";
import { createUserHandler } from "./user-handler.ts";
import { createUserRepository } from "./user-repository.ts";
import { createUserService } from "./user-service.ts";
import { createUserSweeper } from "./user-sweeper.ts";
import type { UserTables } from "./user-tables.ts";

export interface WireUserOptions {
  db: Kysely<UserTables>;
  logger: Logger;
  /** At least 16 bytes, the same for every replica. */
  secret: Uint8Array;
  /** By default argon2id at OWASP's cost, two at once. */
  passwords?: Passwords;
  /** Wrong passwords for one account; by default as many as come. */
  guesses?: Rate | undefined;
  /** A file with the keys that sign access tokens; by default the database has them. */
  keyFile?: string | undefined;
  /** How long a key of the database signs; by default 30 days. */
  keyRotationMs?: number;
  /** By default 15 minutes. */
  accessTokenLifetimeMs?: number;
  sessionLimits?: Pick<SessionServiceOptions, "maxAgeMs" | "maxIdleMs" | "retryWindowMs" | "maxPerUser">;
  now?: () => Date;
}

export interface WiredUser {
  readonly services: readonly Implementation[];
  readonly workers: readonly Worker[];
  /** The keys that verify this service's access tokens: its own calls carry them too. */
  fetchKeys(): Promise<{ readonly keys: readonly object[] }>;
  makeFirstAdmin(admin: Pick<FirstAdminOptions, "email" | "passwordFile">): Promise<FirstAdmin | undefined>;
}

/** The service without its process: storage, rules and handlers, joined. */
export function wireUser(options: WireUserOptions): WiredUser {
  const { db, logger, secret, passwords = createPasswords(), sessionLimits, now = () => new Date() } = options;
  const { accessTokenLifetimeMs = 900_000, keyRotationMs = 30 * DAY_MS, keyFile, guesses } = options;
  const newId = () => newUuid();

  const users = (on: Kysely<UserTables>) =>
    createUserService({
      users: createUserRepository(on),
      sessions: createSessionRepository(on),
      answers: createStoredAnswers(on),
      now,
      newId,
    });
  const sessions = (on: Kysely<UserTables>) =>
    createSessionService({ sessions: createSessionRepository(on), now, newId, randomBytes, ...sessionLimits });
  const credentials = createCredentialsService({
    credentials: createCredentialsRepository(db),
    passwords,
    guesses: guesses && createGuessLimiter({ db, secret, now, rate: guesses }),
  });

  const keys = wireKeys({ db, logger, now, keyFile, keyRotationMs, accessTokenLifetimeMs });
  const tokens = createAccessTokens({ keys, lifetimeMs: accessTokenLifetimeMs });
  const once = createOnce({ db, secret, principalOf, now });
  const paging = createPaging({ secret });
  return {
    services: [
      implement(userv1.UserService, createUserHandler({ db, users, credentials, once, paging })),
      implement(userv1.SessionService, createSessionHandler({ db, sessions, credentials, tokens, once })),
      implement(userv1.KeyService, createKeyHandler(keys)),
    ],
    workers: [createUserSweeper({ db, logger, now })],
    fetchKeys: async () => ({ keys: (await keys.list()).map(toPublicJwk) }),
    makeFirstAdmin: (admin) => makeFirstAdmin({ db, users, credentials, ...admin }),
  };
}

const DAY_MS = 86_400_000;
/** For how long clocks may disagree, and key sets be remembered, after the last token of a key has run out. */
const KEY_MARGIN_MS = 300_000;

type KeyOptions = Required<
  Pick<WireUserOptions, "db" | "logger" | "now" | "keyFile" | "keyRotationMs" | "accessTokenLifetimeMs">
>;

function wireKeys({ db, logger, now, keyFile, keyRotationMs, accessTokenLifetimeMs }: KeyOptions): KeyRing {
  const keepMs = accessTokenLifetimeMs + KEY_MARGIN_MS;
  const { load } = createKeyRepository({ db, now, rotationMs: keyRotationMs, keepMs });
  return createKeyRing({
    // All callers share one loading, so that none of them may end it.
    load: () => detached(keyFile === undefined ? load : () => readKeyFile(keyFile)),
    now,
    refreshAfterMs: Math.min(60_000, keyRotationMs / 4),
    onError: (err) => logger.error({ err }, "signing keys could not be read again: the known ones serve on"),
  });
}
