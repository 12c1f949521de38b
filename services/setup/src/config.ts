import { type Config, ConfigError, duration, readConfig, str } from "@tenon/config";
import { LOG_LEVELS } from "@tenon/logger";

const spec = {
  SERVICES: str({ desc: "names of the services, separated by spaces" }),
  SECRETS_DIR: str({
    default: "/secrets",
    desc: "directory with one for each service, one for postgres, and one for nats where that is",
  }),
  DATABASE_ADDRESS: str({ default: "postgres:5432", desc: "where the services find PostgreSQL" }),
  NATS_ADDRESS: str({
    default: undefined,
    desc: "where the services find NATS, as nats:4222; by default there is none",
  }),
  // Not for itself: what all services are told is checked once, before any of them starts.
  LOG_LEVEL: str({ choices: LOG_LEVELS, default: "info", desc: `lowest level to log: ${LOG_LEVELS.join(", ")}` }),
};

export interface SetupConfig extends Omit<Config<typeof spec>, "SERVICES"> {
  readonly services: readonly string[];
}

/** The configuration of the setup; by default from the process's environment. Throws a ConfigError. */
export function readSetupConfig(env?: Readonly<Record<string, string | undefined>>): SetupConfig {
  const { SERVICES, ...config } = readConfig(spec, { ...(env && { env }) });
  return { ...config, services: toNames(SERVICES) };
}

const TLS_TRUST_DOMAIN = str({
  default: "tenon",
  desc: "whose certificates prove a service: spiffe://<this>/<service>",
});

const certificatesSpec = {
  SERVICES: spec.SERVICES,
  SECRETS_DIR: str({ default: "/secrets", desc: "directory with one for each service, client and authority" }),
  TLS_TRUST_DOMAIN,
  CERTIFICATE_LIFETIME: duration({
    maxHours: 10 * 365 * 24,
    default: 7 * 24 * 3_600_000,
    desc: "how long a certificate holds",
  }),
};

/** The configuration of the certificates of a deployment. Throws a ConfigError. */
export function readCertificatesConfig() {
  const { SERVICES, ...config } = readConfig(certificatesSpec);
  return { ...config, services: toNames(SERVICES) };
}

const certsSpec = {
  DATA_DIR: str({ default: ".data", desc: "directory whose folder tls gets the certificates" }),
  TLS_TRUST_DOMAIN,
  SERVICES: str({
    default: "greeter user order payment processor gateway operator",
    desc: "for whom certificates are made, separated by spaces",
  }),
};

/** The configuration of `make certs`. Throws a ConfigError. */
export function readCertsConfig() {
  const { SERVICES, ...config } = readConfig(certsSpec);
  return { ...config, services: toNames(SERVICES) };
}

function toNames(text: string): readonly string[] {
  const names = text.split(" ").filter((name) => name !== "");
  const wrong = names.find((name) => !/^[a-z][a-z0-9_]{0,62}$/.test(name));
  if (wrong !== undefined) throw new ConfigError(`SERVICES: ${wrong} cannot be the name of a service`);
  return names;
}
