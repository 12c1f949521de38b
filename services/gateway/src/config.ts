import {
  type Config,
  count,
  EnvError,
  makeValidator,
  type ReadConfigOptions,
  readConfig,
  str,
  target,
} from "@tenon/config";
import { serviceConfig } from "@tenon/runtime";
import { createOrigins, type Origins } from "@tenon/transcoding";

const shared = serviceConfig({ port: 8000 });
const { HOST, PORT, ADMIN_PORT, LOG_LEVEL, CREDENTIAL_RATE, TRUSTED_PROXIES, CIRCUIT_BREAKER } = shared;
const { CHECK_INTERVAL, CHECK_TIMEOUT, DRAIN_WAIT, DRAIN_GRACE } = shared;
const { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CA_FILE, TLS_CLIENT_CERTIFICATE, TLS_RELOAD_INTERVAL } = shared;

const origins = makeValidator<Origins>((input) => {
  try {
    return createOrigins(input.split(",").map((name) => name.trim()));
  } catch {
    throw new EnvError("expected origins such as https://app.example, or *");
  }
});

/** Every variable, for the documentation too. */
export const spec = {
  HOST,
  PORT: { ...PORT, desc: "port for HTTP" },
  ADMIN_PORT,
  LOG_LEVEL,
  CREDENTIAL_RATE,
  TRUSTED_PROXIES,
  CIRCUIT_BREAKER,
  CHECK_INTERVAL,
  CHECK_TIMEOUT,
  DRAIN_WAIT,
  DRAIN_GRACE,
  CORS_ORIGINS: origins({
    default: createOrigins([]),
    desc: "origins whose pages may call, by commas: https://app.example,https://admin.example; * for all; by default none",
  }),
  TLS_CERT_FILE: { ...TLS_CERT_FILE, desc: "file with the certificate that the gateway shows to the services" },
  TLS_KEY_FILE,
  TLS_CA_FILE: { ...TLS_CA_FILE, desc: "file with the roots by which the services are known" },
  TLS_CLIENT_CERTIFICATE: { ...TLS_CLIENT_CERTIFICATE, desc: "as every service has it; nothing to the gateway" },
  TLS_RELOAD_INTERVAL,
  HTTP_RULES_FILE: str({
    default: undefined,
    desc: "file with routes before those of the contracts: a service config with http.rules, in YAML or JSON",
  }),
  GREETER_TARGET: target({ default: "127.0.0.1:8080", desc: "where the greeter is" }),
  USER_TARGET: target({ default: "127.0.0.1:8081", desc: "where the user service is" }),
  ORDER_TARGET: target({ default: "127.0.0.1:8082", desc: "where the order service is" }),
  PAYMENT_TARGET: target({ default: "127.0.0.1:8083", desc: "where the payment service is" }),
  REQUEST_RATE: count({
    max: 1_000_000,
    default: 200,
    desc: "requests a second of one client's address, twice as many at once",
  }),
};

export type GatewayConfig = Config<typeof spec>;

/** The configuration of the gateway; by default from the process's environment. Throws a ConfigError. */
export const readGatewayConfig = (env?: ReadConfigOptions["env"], prefix?: string): GatewayConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
