import { bool, type Config, num, type ReadConfigOptions, readConfig, str } from "@tenon/config";
import { serviceConfig } from "@tenon/runtime";

const spec = {
  ...serviceConfig({ port: 8082 }),
  DATABASE_URL: str({ desc: "PostgreSQL for orders and the catalogue, postgres://role:password@host:port/database" }),
  USER_TARGET: str({ default: "127.0.0.1:8081", desc: "where the user service is" }),
  PAYMENT_TARGET: str({ default: "127.0.0.1:8083", desc: "where the payment service is" }),
  DEMO_CATALOG: bool({ default: false, desc: "true puts a dozen products into the catalogue" }),
  WORKER_CONCURRENCY: num({ default: 16, desc: "orders that this process drives at once" }),
};

export type OrderConfig = Config<typeof spec>;

/** Throws a ConfigError that names every variable that is wrong. `ORDER_PORT` goes before `PORT` with prefix `ORDER`. */
export const readOrderConfig = (env?: ReadConfigOptions["env"], prefix?: string): OrderConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix && { prefix }) });
