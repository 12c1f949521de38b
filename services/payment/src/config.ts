import {
  type Config,
  ConfigError,
  duration,
  postgresUrl,
  type ReadConfigOptions,
  readConfig,
  target,
} from "@tenon/config";
import { eventsConfig } from "@tenon/events";
import { serviceConfig } from "@tenon/runtime";

/** Every variable, for the documentation too. */
export const spec = {
  ...serviceConfig({ port: 8083 }),
  ...eventsConfig,
  DATABASE_URL: postgresUrl({ desc: "PostgreSQL for payments, as postgres://role:password@host:port/database" }),
  USER_TARGET: target({
    default: "127.0.0.1:8081",
    desc: "where the user service is, whose keys verify users' tokens",
  }),
  ORDER_TARGET: target({
    default: "127.0.0.1:8082",
    desc: "where the order service is, which hears what happens to payments",
  }),
  PROCESSOR_TARGET: target({ default: "127.0.0.1:8084", desc: "where the payment processor is" }),
  PROCESSOR_TIMEOUT: duration({ default: 4000, desc: "time that the processor has for one answer" }),
  STEP_LEASE: duration({
    default: 10_000,
    desc: "time after which a step that was begun and not finished is taken up again; above twice PROCESSOR_TIMEOUT",
  }),
  STEP_INTERVAL: duration({ default: 2000, desc: "time between two looks for steps to take up again" }),
  AUTHORIZATION_MAX_AGE: duration({
    maxHours: 365 * 24,
    default: 7 * 24 * 3_600_000,
    desc: "time after which a reservation that was not taken is given up; as long as the processor holds it, or less",
  }),
  RECONCILE_INTERVAL: duration({
    default: 60_000,
    desc: "time between two comparisons of payments and books with the processor's statement",
  }),
  EXPIRY_INTERVAL: duration({ default: 60_000, desc: "time between two looks for reservations to give up" }),
};

export type PaymentConfig = Config<typeof spec>;

/** The configuration of payment; by default from the process's environment. Throws a ConfigError. */
export function readPaymentConfig(env?: ReadConfigOptions["env"], prefix?: string): PaymentConfig {
  const config = readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
  if (config.STEP_LEASE <= 2 * config.PROCESSOR_TIMEOUT) {
    throw new ConfigError("STEP_LEASE must be above twice PROCESSOR_TIMEOUT, which a step may take");
  }
  return config;
}
