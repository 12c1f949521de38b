import { ConfigError } from "@tenon/config";
import { StartError } from "@tenon/errors";
import { expect, test } from "vitest";
import { readPlatformConfig } from "./config.ts";
import { PLATFORM_SERVICES } from "./platform-services.ts";

const read = (env: Record<string, string> = {}, only?: string) => readPlatformConfig({ env, only });
const places = (env: Record<string, string> = {}, only?: string) =>
  read(env, only).parts.map(({ name, host, port, adminPort }) => `${name} ${host}:${port} ${adminPort}`);

test("without a word everything runs on its own port of this machine, with a database of ours", () => {
  expect(places()).toEqual(PLATFORM_SERVICES.map(({ name, port }) => `${name} 127.0.0.1:${port} ${port + 1000}`));
  expect(places()).toContain("order 127.0.0.1:8082 9082");
  const embedded = PLATFORM_SERVICES.map(({ name }) => name).filter((name) => name !== "gateway");
  expect(read()).toMatchObject({ dataDir: ".data", embedded });
});

for (const only of ["user", " user ", "user,", "user,user"]) {
  test(`"${only}" is the user service alone`, () => expect(places({}, only)).toEqual(["user 127.0.0.1:8081 9081"]));
}

test("an unknown service is named, with those that there are", () => {
  expect(() => read({}, "user,usr,ordr")).toThrow(
    new StartError(
      `there is no service usr or ordr: there are ${PLATFORM_SERVICES.map(({ name }) => name).join(", ")}`,
    ),
  );
});

test("a variable with the service's name is for that service alone", () => {
  expect(places({ ORDER_PORT: "7000", USER_ADMIN_PORT: "7001" }, "user,order")).toEqual([
    "user 127.0.0.1:8081 7001",
    "order 127.0.0.1:7000 8000",
  ]);
});

test("one without is for all", () => expect(places({ HOST: "::1" }, "user")).toEqual(["user ::1:8081 9081"]));

test("a service that is given a database gets none of ours", () => {
  const { embedded } = read({ ORDER_DATABASE_URL: "postgres://localhost/order" }, "user,order");
  expect(embedded).toEqual(["user"]);
});

test("one database for one service is taken as it is, for several it is refused", () => {
  const env = { DATABASE_URL: "postgres://localhost/mine" };
  expect(read(env, "user").embedded).toEqual([]);
  expect(read({ ...env, ORDER_DATABASE_URL: env.DATABASE_URL }, "user,order").embedded).toEqual([]);
  expect(() => read(env, "user,order")).toThrow(
    new ConfigError(
      "DATABASE_URL is one database, and each service owns one: " +
        "set USER_DATABASE_URL, ORDER_DATABASE_URL, or none for the embedded PostgreSQL",
    ),
  );
});

for (const url of ["localhost", "mysql://localhost/x", "postgres://", "postgres://a:b:c"]) {
  test(`${url} is refused as a database, by its variable`, () => {
    const line = " has a value that cannot be used, expected postgres://role:password@host:port/database: ";
    expect(() => read({ ORDER_DATABASE_URL: url }, "order")).toThrow(`ORDER_DATABASE_URL${line}`);
    expect(() => read({ DATABASE_URL: url }, "order")).toThrow(`DATABASE_URL${line}`);
  });
}

for (const [target, variable] of [
  ["http://127.0.0.1:8081", "ORDER_USER_TARGET"],
  ["127.0.0.1", "PAYMENT_TARGET"],
] as const) {
  test(`${target} is refused as a target, by its variable`, () => {
    expect(() => read({ [variable]: target }, "order")).toThrow(
      `${variable} has a value that cannot be used, expected host:port`,
    );
  });
}

test("every wrong variable is told at once, once, and not its value", () => {
  const env = { ORDER_PORT: "eighty", USER_PORT: "0x50", LOG_LEVEL: "loud" };
  expect(() => read(env)).toThrow(ConfigError);
  expect(() => read(env)).toThrow(/^LOG_LEVEL has .*\nUSER_PORT has .*\nORDER_PORT has [^\n]*$/);
  expect(() => read(env)).not.toThrow(/eighty|0x50|loud/);
});
