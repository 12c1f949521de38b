import { type Config, postgresUrl, type ReadConfigOptions, readConfig, str, target } from "@tenon/config";
import { serviceConfig } from "@tenon/runtime";

/** Every variable, for the documentation too. */
export const spec = {
  ...serviceConfig({ port: 8084 }),
  DATABASE_URL: postgresUrl({ desc: "PostgreSQL for transactions, as postgres://role:password@host:port/database" }),
  PAYMENT_TARGET: target({ default: "127.0.0.1:8083", desc: "where the payment service is, which is called back" }),
  FAULTS: str({
    choices: ["deny", "allow"],
    default: "deny",
    desc: "whether FaultService is served, by which tests make things go wrong: deny or allow",
  }),
};

export type ProcessorConfig = Config<typeof spec>;

/** The configuration of the processor; by default from the process's environment. Throws a ConfigError. */
export const readProcessorConfig = (env?: ReadConfigOptions["env"], prefix?: string): ProcessorConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
