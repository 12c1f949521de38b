import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  ConfigError,
  count,
  duration,
  natsUrl,
  port,
  postgresUrl,
  readConfig,
  secret,
  str,
  target,
  url,
} from "./index.ts";

const spec = {
  PORT: port({ default: 8080, desc: "port of the gRPC server" }),
  WORKERS: count({ max: 8, default: 2, desc: "how many work at once" }),
  GRACE: duration({ default: 10_000, desc: "how long calls may take to finish at shutdown" }),
  DATABASE_URL: str({ desc: "PostgreSQL to use" }),
  COLLECTOR: url({ default: undefined, desc: "where telemetry goes" }),
};
const DATABASE_URL = "postgres://localhost/x";

test("what is not said has its default", () => {
  expect(readConfig(spec, { env: { DATABASE_URL, PORT: "" } })).toEqual({
    PORT: 8080,
    WORKERS: 2,
    GRACE: 10_000,
    DATABASE_URL,
  });
});

test("the prefixed name goes before the plain one", () => {
  const env = { DATABASE_URL, PORT: "1", ORDER_PORT: "2" };
  expect(readConfig(spec, { env, prefix: "ORDER" }).PORT).toBe(2);
  expect(readConfig(spec, { env, prefix: "USER" }).PORT).toBe(1);
});

for (const [text, ms] of [
  ["250ms", 250],
  ["30s", 30_000],
  ["5m", 300_000],
  ["1h", 3_600_000],
] as const) {
  test(`${text} is ${ms} ms`, () => expect(readConfig(spec, { env: { DATABASE_URL, GRACE: text } }).GRACE).toBe(ms));
}

for (const [name, value] of [
  ["PORT", "eighty"],
  ["PORT", "70000"],
  ["WORKERS", "0"],
  ["WORKERS", "1.5"],
  ["WORKERS", "-1"],
  ["WORKERS", "9"],
  ["GRACE", "10"],
  ["GRACE", "-1s"],
  ["GRACE", "0s"],
  ["GRACE", "577h"],
  ["GRACE", "2147483648ms"],
  ["COLLECTOR", "localhost:4318"],
  ["COLLECTOR", "no-url"],
] as const) {
  test(`${name}=${value} is refused by name, without the value`, () => {
    const read = () => readConfig(spec, { env: { DATABASE_URL, [name]: value } });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(name);
    expect(read).not.toThrow(value);
  });
}

test("a duration has the bounds of what it is for", () => {
  const wait = { WAIT: duration({ min: 0, maxHours: 1000, default: 1, desc: "w" }) };
  expect(readConfig(wait, { env: { WAIT: "0s" } }).WAIT).toBe(0);
  expect(readConfig(wait, { env: { WAIT: "1000h" } }).WAIT).toBe(3_600_000_000);
  expect(() => readConfig(wait, { env: { WAIT: "1001h" } })).toThrow("from 0ms to 1000h");
});

test("a wrong file hides no other wrong variable", () => {
  const read = () =>
    readConfig(
      { URL: postgresUrl({ desc: "a" }), PORT: port({ desc: "b" }) },
      { env: { URL_FILE: "/none", PORT: "x" } },
    );
  expect(read).toThrow(/^URL_FILE names .*: a\nPORT has .*: b$/);
});

for (const [what, read, good, bad] of [
  [
    "a target",
    target,
    [
      ...[
        "127.0.0.1:8080",
        "user:8081",
        "[::1]:8080",
        "dns:///user:8081",
        "dns:user:8081",
        "dns://127.0.0.1:53/user:8081",
      ],
      ...["ipv4:10.0.0.1:80,10.0.0.2:80", "ipv6:[::1]:80,[::2]:80", "unix:/run/user.sock", "unix:///run/user.sock"],
    ],
    [
      ...[
        "http://user:8081",
        "user",
        "user:",
        "user:http",
        "user:0",
        "user:99999",
        "user :8081",
        "dns:///user",
        ":8081",
      ],
      ...["dns:///user:8081/path", "user:8081,user:8082", "ipv4:user:80", "ipv4:10.0.0.1", "unix:", "xds:///user:8081"],
    ],
  ],
  [
    "PostgreSQL's URL",
    postgresUrl,
    ["postgres://role:password@db:5432/order", "postgresql://db/order", "postgres:///order?host=/run/postgresql"],
    ["db:5432/order", "mysql://db/order", "postgres://", "postgres:", "postgres://a:b:c", "http://db/order"],
  ],
  [
    "NATS's URL",
    natsUrl,
    ["nats://user:password@nats:4222", "tls://nats:4222", "nats://one:4222,nats://two:4222"],
    ["nats:4222", "http://nats:4222", "nats://", "nats://one:4222,two", "amqp://nats"],
  ],
] as const) {
  test(`${what} is taken in each of its forms, and in no other`, () => {
    const isTaken = (PLACE: string) => {
      try {
        return readConfig({ PLACE: read({ desc: "where it is" }) }, { env: { PLACE } }).PLACE === PLACE;
      } catch (error) {
        expect((error as Error).message).toMatch(/^PLACE has a value that cannot be used, expected .*: where it is$/);
        return false;
      }
    };
    expect(good.filter((text) => !isTaken(text))).toEqual([]);
    expect(bad.filter(isTaken)).toEqual([]);
  });
}

test("each wrong variable has a line, with the name that was read", () => {
  const read = () => readConfig(spec, { env: { ORDER_PORT: "x" }, prefix: "ORDER" });
  expect(read).toThrow(
    /^ORDER_PORT has .*, expected a port from 1 to 65535: port of the gRPC server\nDATABASE_URL is not set: PostgreSQL to use$/,
  );
});

test("a secret may be in a file, whose last line end is not part of it", () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "url");
  writeFileSync(file, "postgres://from-a-file\n");
  const read = (env: Record<string, string>) =>
    readConfig(
      { URL: secret({ desc: "database to use" }), NAME: str({ default: "x", desc: "a name" }) },
      { env, prefix: "ORDER" },
    );
  expect(read({ URL_FILE: file }).URL).toBe("postgres://from-a-file");
  expect(read({ ORDER_URL_FILE: file, NAME_FILE: file })).toEqual({ URL: "postgres://from-a-file", NAME: "x" });
  expect(() => read({ URL_FILE: join(folder, "none") })).toThrow(
    /^URL_FILE names a file that is empty or cannot be read: database to use$/,
  );
  expect(() => read({ ORDER_URL_FILE: folder, URL_FILE: file })).toThrow(/^ORDER_URL_FILE names a file/);
  expect(() => read({ URL_FILE: file, URL: "postgres://hunter2" })).toThrow(/^URL and URL_FILE are both set/);
});
