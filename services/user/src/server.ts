import * as eventsv1 from "@tenon/contracts/events/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { createListener, databaseMigrations, migrate, openDatabase, prepareDatabase } from "@tenon/database";
import {
  createNatsConnection,
  createOutboxHandler,
  createPublishing,
  OUTBOX_CHANNEL,
  outboxMigrations,
} from "@tenon/events";
import { createClient } from "@tenon/grpc";
import { currentCall, standardClient } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import {
  checkService,
  clientLimits,
  createAuth,
  createTlsFiles,
  type RunningService,
  readReplicaSecret,
  startService,
} from "@tenon/runtime";
import { Registry } from "prom-client";
import type { UserConfig } from "./config.ts";
import { type FirstAdmin, readFirstAdmin } from "./first-admin.ts";
import { readKeyFile } from "./keys/key-file.ts";
import { createPasswords } from "./passwords/passwords.ts";
import { createWorkQueue } from "./passwords/work-queue.ts";
import type { UserTables } from "./user-tables.ts";
import { wireUser } from "./user-wiring.ts";

export type { FirstAdmin } from "./first-admin.ts";
export { type WiredUser, type WireUserOptions, wireUser } from "./user-wiring.ts";

/** The service's tables, those of `once`, and the outbox. */
export const userMigrations: readonly URL[] = [
  databaseMigrations,
  outboxMigrations,
  new URL("./migrations/", import.meta.url),
];

export interface StartUserOptions {
  config: UserConfig;
  logger: Logger;
  /** Hears of an admin that was made with a random password. By default one that is made after the start is logged. */
  onFirstAdmin?: (admin: FirstAdmin) => void;
}

export interface RunningUserService extends RunningService {
  /** The admin, where this start made one with a random password: to be shown once. */
  readonly admin?: FirstAdmin;
}

/** For `--check-config`: rejects with the StartError that a start would, of all that can be known without connecting. */
export async function checkUser(config: UserConfig): Promise<void> {
  checkService({ name: "user", config, calls: ["order"] });
  if (config.SIGNING_KEY_FILE !== undefined) await readKeyFile(config.SIGNING_KEY_FILE);
  await readFirstAdmin({ email: config.ADMIN_EMAIL, passwordFile: config.ADMIN_PASSWORD_FILE });
}

/**
 * Starts the user service. With its database down it starts all the same, and is ready once that is up and prepared.
 * Rejects with a StartError where keys, the admin's email or password cannot be used.
 */
export async function startUser({ config, logger, onFirstAdmin }: StartUserOptions): Promise<RunningUserService> {
  if (config.SIGNING_KEY_FILE !== undefined) await readKeyFile(config.SIGNING_KEY_FILE);
  // Its own keys, which it need not call anybody for.
  const auth = createAuth({ config, name: "user", fetchKeys: () => wired.fetchKeys() });
  const registry = new Registry();
  const tls = createTlsFiles({ config, logger, registry });
  const order = createClient(eventsv1.EventService, {
    target: config.ORDER_TARGET,
    tls: tls?.client,
    interceptors: standardClient({ logger, registry, identity: auth.identityFor("order"), ...clientLimits(config) }),
  });
  const db = openDatabase<UserTables>({
    url: config.DATABASE_URL,
    logger,
    applicationName: "user",
    currentSignal: () => currentCall()?.signal,
  });
  const wired = wireUser({
    db,
    logger,
    secret: readReplicaSecret({ config, name: "user" }),
    passwords: createPasswords({
      queue: createWorkQueue({
        concurrency: config.PASSWORD_HASHES_AT_ONCE,
        maxWaiting: config.PASSWORD_HASHES_WAITING,
      }),
    }),
    guesses: config.GUESS_RATE === "off" ? undefined : config.GUESS_RATE,
    keyFile: config.SIGNING_KEY_FILE,
    keyRotationMs: config.SIGNING_KEY_ROTATION,
    accessTokenLifetimeMs: config.ACCESS_TOKEN_LIFETIME,
    sessionLimits: { maxAgeMs: config.SESSION_MAX_AGE, maxIdleMs: config.SESSION_MAX_IDLE },
  });

  let admin: FirstAdmin | undefined;
  let started = false;
  const logAdmin = ({ email, password }: FirstAdmin) => {
    if (started) logger.warn({}, `the first admin was made; this is not shown again: ${email} ${password}`);
  };
  const database = await prepareDatabase(db, {
    logger,
    async work() {
      await migrate(db, userMigrations);
      await wired.fetchKeys();
      admin = await wired.makeFirstAdmin({ email: config.ADMIN_EMAIL, passwordFile: config.ADMIN_PASSWORD_FILE });
      if (admin) (onFirstAdmin ?? logAdmin)(admin);
    },
  });
  started = true;
  const listener = createListener({ url: config.DATABASE_URL, channels: [OUTBOX_CHANNEL], logger });
  const nats = config.NATS_URL === undefined ? undefined : createNatsConnection({ url: config.NATS_URL, name: "user" });
  const types = [userv1.UserEventSchema];
  const running = await startService({
    name: "user",
    config,
    logger,
    auth,
    registry,
    tls,
    services: [...wired.services, createOutboxHandler({ db })],
    workers: [
      ...wired.workers,
      ...createPublishing({ db, listener, nats, types, subscribers: [order], logger, registry }),
    ],
    checks: { database },
    async close() {
      order.close();
      await listener.close();
      await nats?.close();
      await db.destroy();
    },
  });
  return admin ? { ...running, admin } : running;
}
