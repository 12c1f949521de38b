import { ConfigError, readConfig } from "@tenon/config";
import { expect, test } from "vitest";
import { serviceConfig } from "./process-config.ts";

const read = (env: Record<string, string>) => readConfig(serviceConfig({ port: 8082 }), { env, prefix: "ORDER" });

test("an empty environment is a service on loopback", () => {
  expect(read({})).toEqual({
    HOST: "127.0.0.1",
    PORT: 8082,
    ADMIN_PORT: undefined,
    LOG_LEVEL: "info",
    SERVICE_KEY_FILE: undefined,
    SERVICE_JWKS_FILE: undefined,
    TLS_CERT_FILE: undefined,
    TLS_KEY_FILE: undefined,
    TLS_CA_FILE: undefined,
    TLS_CLIENT_CERTIFICATE: "required",
    TLS_RELOAD_INTERVAL: 10_000,
    TLS_TRUST_DOMAIN: "tenon",
    HEALTH_PORT: undefined,
    REFLECTION: "public",
    MAX_CONNECTION_AGE: undefined,
    LOAD_SHEDDING: "on",
    MAX_CONCURRENT_CALLS: 1000,
    CREDENTIAL_RATE: { perSecond: 1, burst: 60 },
    WRITE_RATE: "off",
    READ_RATE: "off",
    TRUSTED_PROXIES: [],
    CIRCUIT_BREAKER: "on",
    CHECK_INTERVAL: 2000,
    CHECK_TIMEOUT: 1000,
    DRAIN_WAIT: 1000,
    DRAIN_GRACE: 10_000,
  });
});

for (const [name, value] of [
  ["PORT", "0"],
  ["ORDER_PORT", "65536"],
  ["ADMIN_PORT", "admin"],
  ["LOG_LEVEL", "loud"],
  ["REFLECTION", "yes"],
  ["DRAIN_WAIT", "10"],
  ["LOAD_SHEDDING", "yes"],
  ["MAX_CONCURRENT_CALLS", "0"],
  ["MAX_CONCURRENT_CALLS", "-5"],
  ["MAX_CONCURRENT_CALLS", "100001"],
  ["CREDENTIAL_RATE", "60"],
  ["CREDENTIAL_RATE", "0/1m"],
  ["CREDENTIAL_RATE", "-1/1m"],
  ["WRITE_RATE", "9999999/1s"],
  ["READ_RATE", "10/0s"],
  ["READ_RATE", "10/9999h"],
  ["TRUSTED_PROXIES", "10.0.0.0/33"],
  ["TRUSTED_PROXIES", "gateway"],
  ["CIRCUIT_BREAKER", "true"],
  ["DRAIN_GRACE", "-1s"],
] as const) {
  test(`${name}=${value} stops the start by name`, () => {
    expect(() => read({ [name]: value })).toThrow(ConfigError);
    expect(() => read({ [name]: value })).toThrow(new RegExp(`^${name} has a value that cannot be used`));
  });
}

test("every variable says what it is for", () => {
  for (const [name, { desc }] of Object.entries(serviceConfig({ port: 1 }))) expect(desc, name).toMatch(/\w+ \w+/);
});

for (const [value, expected] of [
  ["60/1m", { perSecond: 1, burst: 60 }],
  ["5/2s", { perSecond: 2.5, burst: 5 }],
  ["1/24h", { perSecond: 1 / 86_400, burst: 1 }],
  ["off", "off"],
] as const) {
  test(`a rate of ${value}`, () => {
    expect(read({ WRITE_RATE: value }).WRITE_RATE).toEqual(expected);
  });
}
