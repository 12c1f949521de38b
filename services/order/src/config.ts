import { bool, type Config, postgresUrl, readConfig, target } from "@tenon/config";
import { eventsConfig } from "@tenon/events";
import { serviceConfig } from "@tenon/runtime";

/** Every variable, for the documentation too. */
export const spec = {
  ...serviceConfig({ port: 8082 }),
  ...eventsConfig,
  DATABASE_URL: postgresUrl({
    desc: "PostgreSQL database of this service, as postgres://role:password@host:port/database",
  }),
  USER_TARGET: target({ default: "127.0.0.1:8081", desc: "where the user service is" }),
  PAYMENT_TARGET: target({ default: "127.0.0.1:8083", desc: "where the payment service is" }),
  DEMO_CATALOG: bool({ default: false, desc: "true puts a dozen products into the catalogue, where they are missing" }),
};

export type OrderConfig = Config<typeof spec>;

/** What the environment tells this service; with a prefix, `ORDER_PORT` goes before `PORT`. Throws a ConfigError. */
export const readOrderConfig = (env?: Readonly<Record<string, string | undefined>>, prefix?: string): OrderConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
