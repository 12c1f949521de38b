import { type Config, count, EnvError, makeValidator, type ReadConfigOptions, readConfig, str } from "@tenon/config";
import { createClientFinder } from "@tenon/interceptors";
import { serviceConfig } from "@tenon/runtime";
import { createOrigins, type Origins } from "@tenon/transcoding";

const { HOST, PORT, ADMIN_PORT, LOG_LEVEL, CHECK_INTERVAL, CHECK_TIMEOUT, DRAIN_WAIT, DRAIN_GRACE } = serviceConfig({
  port: 8000,
});

const origins = makeValidator<Origins>((input) => {
  try {
    return createOrigins(input.split(",").map((name) => name.trim()));
  } catch {
    throw new EnvError("expected origins such as https://app.example, or *");
  }
});

const proxies = makeValidator<readonly string[]>((input) => {
  const trustedProxies = input.split(",").map((entry) => entry.trim());
  try {
    createClientFinder({ trustedProxies });
    return trustedProxies;
  } catch {
    throw new EnvError("expected addresses or subnets such as 10.0.0.0/8");
  }
});

const spec = {
  HOST,
  PORT: { ...PORT, desc: "port for HTTP" },
  ADMIN_PORT,
  LOG_LEVEL,
  CHECK_INTERVAL,
  CHECK_TIMEOUT,
  DRAIN_WAIT,
  DRAIN_GRACE,
  CORS_ORIGINS: origins({
    default: createOrigins([]),
    desc: "origins whose pages may call, by commas: https://app.example,https://admin.example; * for all; by default none",
  }),
  GREETER_TARGET: str({ default: "127.0.0.1:8080", desc: "where the greeter is" }),
  USER_TARGET: str({ default: "127.0.0.1:8081", desc: "where the user service is" }),
  ORDER_TARGET: str({ default: "127.0.0.1:8082", desc: "where the order service is" }),
  PAYMENT_TARGET: str({ default: "127.0.0.1:8083", desc: "where the payment service is" }),
  REQUEST_RATE: count({
    max: 1_000_000,
    default: 200,
    desc: "requests a second of one client's address, twice as many at once",
  }),
  CREDENTIAL_RATE: count({
    max: 1_000_000,
    default: 5,
    desc: "log-ins, sign-ups and the like a second of one client's address, ten times as many at once",
  }),
  TRUSTED_PROXIES: proxies({
    default: [],
    desc: "addresses and subnets of proxies that are believed about a client's address (X-Forwarded-For), by commas",
  }),
};

export type GatewayConfig = Config<typeof spec>;

/** The configuration of the gateway; by default from the process's environment. Throws a ConfigError. */
export const readGatewayConfig = (env?: ReadConfigOptions["env"], prefix?: string): GatewayConfig =>
  readConfig(spec, { ...(env && { env }), ...(prefix !== undefined && { prefix }) });
