import { readGatewayConfig } from "@tenon/gateway/config";
import { readGreeterConfig } from "@tenon/greeter/config";
import type { Server } from "@tenon/grpc";
import type { Logger, LogLevel } from "@tenon/logger";
import { readOrderConfig } from "@tenon/order/config";
import { readPaymentConfig } from "@tenon/payment/config";
import { readProcessorConfig } from "@tenon/processor/config";
import type { RunningProcess } from "@tenon/runtime";
import { readUserConfig } from "@tenon/user/config";

/**
 * Every service of the platform, in the order in which they are listed. Their code is loaded when they are started, while
 * the database starts too.
 */
export const PLATFORM_SERVICES = [
  service("greeter", {
    port: 8080,
    calls: [],
    readConfig: readGreeterConfig,
    load: async () => (await import("@tenon/greeter")).startGreeter,
  }),
  service("user", {
    port: 8081,
    calls: [],
    readConfig: readUserConfig,
    load: async () => (await import("@tenon/user")).startUser,
  }),
  service("order", {
    port: 8082,
    calls: ["user", "payment"],
    readConfig: readOrderConfig,
    load: async () => (await import("@tenon/order")).startOrder,
  }),
  service("payment", {
    port: 8083,
    calls: ["user", "processor"],
    readConfig: readPaymentConfig,
    load: async () => (await import("@tenon/payment")).startPayment,
  }),
  service("processor", {
    port: 8084,
    // It calls payment back, and has to outlive it all the same: what payment does not hear now it hears after the start.
    calls: [],
    readConfig: readProcessorConfig,
    load: async () => (await import("@tenon/processor")).startProcessor,
  }),
  service("gateway", {
    port: 8000,
    protocol: "http",
    calls: ["greeter", "user", "order", "payment"],
    readConfig: readGatewayConfig,
    load: async () => (await import("@tenon/gateway")).startGateway,
  }),
] as const;

export type ServiceName = (typeof PLATFORM_SERVICES)[number]["name"];

export interface PlatformService<Name extends string = string> {
  readonly name: Name;
  /** Its port where nothing else is said. */
  readonly port: number;
  /** It owns a database. */
  readonly stores: boolean;
  /** Reads and checks its configuration; throws a ConfigError. What comes back can be started. */
  configure(env: Environment): Part;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A service with its configuration. */
export interface Part {
  readonly name: string;
  /** What it speaks on its port; by default gRPC. */
  readonly protocol?: "http" | undefined;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  /** Where it is asked for its health in the clear; only where it serves TLS. */
  readonly healthPort?: number | undefined;
  /** What a client needs to call it, where it serves TLS. */
  readonly tls?: { readonly caFile: string | undefined; readonly certFile: string; readonly keyFile: string };
  readonly logLevel: LogLevel;
  /** The services that it calls, which therefore outlive it. Without circles. */
  readonly calls: readonly string[];
  /** Loads its code, once. */
  load(): Promise<unknown>;
  start(options: StartPartOptions): Promise<StartedPart>;
}

export interface StartPartOptions {
  logger: Logger;
  databaseUrl?: string | undefined;
  /** Servers in this process by their addresses, of what it calls. */
  servers?: ReadonlyMap<string, Server>;
}

export interface StartedPart extends RunningProcess {
  /** For callers in this process, which then need no socket; the gateway, which speaks HTTP, has none. */
  readonly server?: Server;
  /** An admin that was made with a random password, which nobody has seen yet. */
  readonly admin?: { readonly email: string; readonly password: string };
}

interface Definition<Config extends SharedConfig> {
  port: number;
  /** Not gRPC, and without a database. */
  protocol?: "http";
  calls: readonly string[];
  readConfig(env: Environment, prefix: string): Config;
  load(): Promise<(options: { config: Config } & Omit<StartPartOptions, "databaseUrl">) => Promise<StartedPart>>;
}

interface SharedConfig {
  readonly HOST: string;
  readonly PORT: number;
  readonly ADMIN_PORT: number | undefined;
  readonly LOG_LEVEL: LogLevel;
  readonly TLS_CERT_FILE: string | undefined;
  readonly TLS_KEY_FILE: string | undefined;
  readonly TLS_CA_FILE: string | undefined;
  readonly HEALTH_PORT?: number | undefined;
  readonly DATABASE_URL?: string;
}

function service<const Name extends string, Config extends SharedConfig>(
  name: Name,
  definition: Definition<Config>,
): PlatformService<Name> {
  const { port, protocol, calls, readConfig, load } = definition;
  const stores = protocol !== "http";
  return {
    name,
    port,
    stores,
    configure(env) {
      const config = readConfig(env, name.toUpperCase());
      const { DATABASE_URL = "" } = config;
      return {
        name,
        protocol,
        host: config.HOST,
        port: config.PORT,
        adminPort: config.ADMIN_PORT ?? config.PORT + 1000,
        ...(config.TLS_CERT_FILE &&
          config.TLS_KEY_FILE &&
          protocol !== "http" && {
            tls: { caFile: config.TLS_CA_FILE, certFile: config.TLS_CERT_FILE, keyFile: config.TLS_KEY_FILE },
          }),
        ...(config.TLS_CERT_FILE && protocol !== "http" && { healthPort: config.HEALTH_PORT ?? config.PORT + 2000 }),
        logLevel: config.LOG_LEVEL,
        calls,
        load,
        start: async ({ databaseUrl = DATABASE_URL, ...shared }) =>
          (await load())({ ...shared, config: stores ? { ...config, DATABASE_URL: databaseUrl } : config }),
      };
    },
  };
}
