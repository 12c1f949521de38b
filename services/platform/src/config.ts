import { join } from "node:path";
import { ConfigError, readConfig, str } from "@tenon/config";
import { StartError } from "@tenon/errors";
import { LOG_LEVELS, type LogLevel } from "@tenon/logger";
import type { ClientTlsConfig } from "@tenon/runtime";
import { developmentKeyFiles } from "./development-keys.ts";
import { type Environment, type Part, PLATFORM_SERVICES, type PlatformService } from "./platform-services.ts";

export interface PlatformConfig {
  /** Where everything that this process keeps is kept. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** The services to run. */
  readonly parts: readonly Part[];
  /** The names of those that are to have a database of the embedded PostgreSQL, because none was given. */
  readonly embedded: readonly string[];
}

export interface ReadPlatformConfigOptions {
  /** By default the process's environment. */
  env?: Environment;
  /** Which services: their names, separated by commas; by default all. */
  only?: string | undefined;
}

/** What `make run` itself is told. */
export const runSpec = {
  DATA_DIR: str({ default: ".data", desc: "directory for the embedded database and the services' keys" }),
  LOG_LEVEL: str({ choices: LOG_LEVELS, default: "warn", desc: `lowest level to log: ${LOG_LEVELS.join(", ")}` }),
};

/** What services mean otherwise under `make run`, where nothing else is said. */
export const RUN_DEFAULTS = {
  // A newcomer reads the announcement, not a line for each call.
  LOG_LEVEL: runSpec.LOG_LEVEL.default,
  // Nobody balances over the one process of a developer, who waits for its end.
  DRAIN_WAIT: "0ms",
  DRAIN_GRACE: "4s",
  DEMO_CATALOG: "true",
  // The gateway of this process, which tells the services whom it serves.
  TRUSTED_PROXIES: "127.0.0.1,::1",
} as const;

/**
 * Reads the configuration of the platform and of every service that is to run, before anything starts. Each service
 * reads its variables with its name before them (ORDER_PORT) or as they are (LOG_LEVEL); what only another part of the
 * platform can know (keys, databases, who listens where) is filled in. Throws one ConfigError for all that is wrong.
 */
export function readPlatformConfig({ env = process.env, only = "" }: ReadPlatformConfigOptions = {}): PlatformConfig {
  const services = chooseServices(only);
  const wrong = new Set<string>();
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const line of error.message.split("\n")) wrong.add(line);
      return undefined;
    }
  };
  const own = attempt(() => readConfig(runSpec, { env }));
  const filled = fillIn(env, own?.DATA_DIR ?? "");
  const parts = services.map((service) => attempt(() => service.configure(filled)));
  const storing = services.filter(({ stores }) => stores).map(({ name }) => name);
  const unnamed = storing.filter((name) => !givesDatabase(env, name));
  if (env.DATABASE_URL && unnamed.length > 1) {
    const each = unnamed.map((name) => variable(name, "DATABASE_URL")).join(", ");
    wrong.add(
      `DATABASE_URL is one database, and each service owns one: set ${each}, or none for the embedded PostgreSQL`,
    );
  }
  if (own === undefined || wrong.size > 0) throw new ConfigError([...wrong].join("\n"));
  return {
    dataDir: own.DATA_DIR,
    logLevel: own.LOG_LEVEL,
    parts: parts.filter((part) => part !== undefined),
    embedded: env.DATABASE_URL ? [] : unnamed,
  };
}

/** What an operator's process is told: the same that the platform's is, and how to prove oneself. */
export interface OperatorConfig {
  /** Where each service is, by its name. */
  readonly targets: Readonly<Record<string, string>>;
  /** The operator's private key; may be missing. */
  readonly keyFile: string;
  /** An admin's access token, which goes before the key. */
  readonly token?: string;
  /** The roots by which services are known, and what they are shown; none where they are called in the clear. */
  readonly tls: ClientTlsConfig;
}

/** Reads the configuration of an operator. Throws a ConfigError. */
export function readOperatorConfig(env: Environment = process.env): OperatorConfig {
  const { DATA_DIR } = readConfig(runSpec, { env });
  const filled = fillIn(env, DATA_DIR);
  const targets = PLATFORM_SERVICES.map(({ name }) => [name, filled[variable(name, "TARGET")] ?? ""] as const);
  return {
    targets: Object.fromEntries(targets),
    keyFile: developmentKeyFiles(join(DATA_DIR, "keys"), [OPERATOR]).keyFiles[OPERATOR] ?? "",
    ...(env.TOKEN && { token: env.TOKEN }),
    tls: {
      TLS_CA_FILE: filled.TLS_CA_FILE,
      TLS_CERT_FILE: filled[variable(OPERATOR, "TLS_CERT_FILE")] ?? filled.TLS_CERT_FILE,
      TLS_KEY_FILE: filled[variable(OPERATOR, "TLS_KEY_FILE")] ?? filled.TLS_KEY_FILE,
    },
  };
}

/** The name under which operators are known to the services. */
export const OPERATOR = "operator";

/** The variable of one service. */
export const variable = (service: string, name: string): string => `${service.toUpperCase()}_${name}`;

function chooseServices(only: string): readonly PlatformService[] {
  const names = only.split(/[\s,]+/).filter((name) => name !== "");
  if (names.length === 0) return PLATFORM_SERVICES;
  const unknown = names.filter((name) => !PLATFORM_SERVICES.some((service) => service.name === name));
  if (unknown.length > 0) {
    const known = PLATFORM_SERVICES.map((service) => service.name).join(", ");
    throw new StartError(`there is no service ${unknown.join(" or ")}: there are ${known}`);
  }
  return PLATFORM_SERVICES.filter((service) => names.includes(service.name));
}

const givesDatabase = (env: Environment, name: string): boolean =>
  Boolean(env[variable(name, "DATABASE_URL")] || env[variable(name, "DATABASE_URL_FILE")]);

/** Holds the place of a URL that is known once the embedded PostgreSQL runs. */
const EMBEDDED = "postgres://embedded";

/** The environment with what the services of one process tell each other. What is given goes before it. */
function fillIn(env: Environment, dataDir: string): Environment {
  const keys = developmentKeyFiles(
    join(dataDir, "keys"),
    PLATFORM_SERVICES.map(({ name }) => name),
  );
  const filled: Record<string, string | undefined> = {
    ...RUN_DEFAULTS,
    SERVICE_JWKS_FILE: keys.jwksFile,
  };
  for (const { name, port } of PLATFORM_SERVICES) {
    const host = env[variable(name, "HOST")] || env.HOST || "127.0.0.1";
    filled[variable(name, "TARGET")] = `${reachable(host)}:${portOf(env[variable(name, "PORT")]) ?? port}`;
    filled[variable(name, "SERVICE_KEY_FILE")] = keys.keyFiles[name];
    if (!env.DATABASE_URL && !givesDatabase(env, name)) filled[variable(name, "DATABASE_URL")] = EMBEDDED;
  }
  const given = Object.entries(env).filter(([, value]) => value);
  return { ...filled, ...Object.fromEntries(given) };
}

/** Where to call a server that listens on `host`. */
export const reachable = (host: string): string =>
  host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;

/** One that is none is told with its own name, and not again with the targets that are made of it. */
const portOf = (text = ""): string | undefined => (/^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? text : undefined);
