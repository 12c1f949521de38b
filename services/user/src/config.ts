import { type Config, count, duration, postgresUrl, readConfig, str, target } from "@tenon/config";
import { eventsConfig } from "@tenon/events";
import { rate, serviceConfig } from "@tenon/runtime";

const YEAR_HOURS = 365 * 24;

/** Every variable, for the documentation too. */
export const spec = {
  ...serviceConfig({ port: 8081 }),
  ...eventsConfig,
  DATABASE_URL: postgresUrl({
    desc: "PostgreSQL database of this service, as postgres://role:password@host:port/database",
  }),
  ORDER_TARGET: target({
    default: "127.0.0.1:8082",
    desc: "where the order service is, which hears what happens to users",
  }),
  ACCESS_TOKEN_LIFETIME: duration({ default: 900_000, desc: "how long an access token holds" }),
  SESSION_MAX_AGE: duration({
    maxHours: YEAR_HOURS,
    default: 2_592_000_000,
    desc: "how long a session can be refreshed after its log-in",
  }),
  SESSION_MAX_IDLE: duration({
    maxHours: YEAR_HOURS,
    default: 604_800_000,
    desc: "how long a session can go without a refresh",
  }),
  SIGNING_KEY_FILE: str({
    default: undefined,
    desc: "file with the private JWK, or the JWK set, that signs access tokens; by default keys are made and rotated",
  }),
  SIGNING_KEY_ROTATION: duration({
    maxHours: YEAR_HOURS,
    default: 2_592_000_000,
    desc: "how long a signing key that was made here signs",
  }),
  GUESS_RATE: rate({
    default: { perSecond: 100 / 3600, burst: 100 },
    desc: "log-ins to one account that may fail, from whatever addresses: 100/1h, or off",
  }),
  PASSWORD_HASHES_AT_ONCE: count({
    max: 64,
    default: 2,
    desc: "password hashes computed at the same time; further ones wait",
  }),
  PASSWORD_HASHES_WAITING: count({
    max: 10_000,
    default: 64,
    desc: "password hashes that may wait; further ones are refused",
  }),
  ADMIN_EMAIL: str({ default: "admin@tenon.local", desc: "email of the admin that is made where there is none" }),
  ADMIN_PASSWORD_FILE: str({
    default: undefined,
    desc: "file with that admin's password; by default a random one is made and shown once",
  }),
};

export type UserConfig = Config<typeof spec>;

/** What the environment tells this service; with a prefix, `USER_PORT` goes before `PORT`. Throws a ConfigError. */
export const readUserConfig = (env?: Readonly<Record<string, string | undefined>>, prefix?: string): UserConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
