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
    REFLECTION: "public",
    MAX_CONNECTION_AGE: undefined,
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
