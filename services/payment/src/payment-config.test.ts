import { ConfigError } from "@tenon/config";
import { expect, test } from "vitest";
import { readPaymentConfig } from "./config.ts";

const env = { DATABASE_URL: "postgres://payment@localhost/payment" };

test("a service that is told its database alone has all it needs", () => {
  expect(readPaymentConfig(env)).toMatchObject({ PORT: 8083, PROCESSOR_TARGET: "127.0.0.1:8084", STEP_LEASE: 10_000 });
});

for (const [what, wrong, told] of [
  ["no database", { DATABASE_URL: "" }, "DATABASE_URL is not set"],
  ["a lease that a slow processor outlasts", { STEP_LEASE: "8s" }, "STEP_LEASE"],
  ["a time without its unit", { PAYMENT_STEP_INTERVAL: "2000" }, "PAYMENT_STEP_INTERVAL"],
] as const) {
  test(`${what} is refused by name`, () => {
    const read = () => readPaymentConfig({ ...env, ...wrong }, "PAYMENT");
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(told);
  });
}
