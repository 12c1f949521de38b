import { type Config, type ReadConfigOptions, readConfig, secret, str } from "@tenon/config";
import { serviceConfig } from "@tenon/runtime";

/** Every variable, for the documentation too. */
export const spec = {
  ...serviceConfig({ port: 8080 }),
  DATABASE_URL: secret({ desc: "PostgreSQL for widgets, as postgres://role:password@host:port/database" }),
  USER_TARGET: str({ default: "127.0.0.1:8081", desc: "where the user service is, whose keys verify users' tokens" }),
};

export type WarehouseConfig = Config<typeof spec>;

/** The configuration of warehouse; by default from the process's environment. Throws a ConfigError. */
export const readWarehouseConfig = (env?: ReadConfigOptions["env"], prefix?: string): WarehouseConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
