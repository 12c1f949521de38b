import { type Config, postgresUrl, type ReadConfigOptions, readConfig } from "@tenon/config";
import { serviceConfig } from "@tenon/runtime";

/** Every variable, for the documentation too. */
export const spec = {
  ...serviceConfig({ port: 8080 }),
  DATABASE_URL: postgresUrl({ desc: "PostgreSQL for recorded names, as postgres://role:password@host:port/database" }),
};

export type GreeterConfig = Config<typeof spec>;

/** The configuration of the greeter; by default from the process's environment. Throws a ConfigError. */
export const readGreeterConfig = (env?: ReadConfigOptions["env"], prefix?: string): GreeterConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
