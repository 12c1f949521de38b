import { type Config, type ReadConfigOptions, readConfig, str } from "@tenon/config";
import { serviceConfig } from "@tenon/runtime";

const spec = {
  ...serviceConfig({ port: 8084 }),
  DATABASE_URL: str({ desc: "PostgreSQL for transactions, as postgres://role:password@host:port/database" }),
};

export type ProcessorConfig = Config<typeof spec>;

/** The configuration of the processor; by default from the process's environment. Throws a ConfigError. */
export const readProcessorConfig = (env?: ReadConfigOptions["env"], prefix?: string): ProcessorConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
