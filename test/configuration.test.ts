import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ConfigError, type ConfigSpec, isDuration, isSecret, readConfig } from "@tenon/config";
import { PLATFORM_SERVICES, RUN_DEFAULTS, runSpec } from "@tenon/platform";
import { serviceConfig, telemetryConfig } from "@tenon/runtime";
import { toMarkdownTable } from "@tenon/testing";
import { afterAll, expect, test } from "vitest";

/** The declarations of each service. */
const SERVICES = await Promise.all(
  PLATFORM_SERVICES.map(async ({ name }) => {
    const { spec }: { spec: ConfigSpec } = await import(`@tenon/${name}/config`);
    return { name, spec };
  }),
);
const shared: ConfigSpec = serviceConfig({ port: 8080 });

/** As it would be written into the environment. */
function defaultOf(spec: ConfigSpec[string]): string {
  if (!("default" in spec)) return "must be set";
  const { default: value } = spec;
  if (value === undefined || value === "" || typeof value === "object") return "";
  if (!isDuration(spec)) return `\`${value}\``;
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const [unit, ms] = Object.entries(units).find(([, each]) => Number(value) % each === 0) ?? ["ms", 1];
  return `\`${Number(value) / ms}${unit}\``;
}

const tableOf = (spec: ConfigSpec): string =>
  toMarkdownTable(
    ["variable", "meaning", "default"],
    Object.entries(spec).map(([name, of]) => [
      isSecret(of) ? `\`${name}\` or \`${name}_FILE\`` : `\`${name}\``,
      (of.desc ?? "").replaceAll("|", "\\|"),
      defaultOf(of),
    ]),
  );

/** What a service has beside the shared ones, or means otherwise. */
const ownOf = (spec: ConfigSpec): ConfigSpec =>
  Object.fromEntries(Object.entries(spec).filter(([name, { desc }]) => name !== "PORT" && shared[name]?.desc !== desc));

test("docs/configuration.md is what the services declare (--update writes it)", async () => {
  const ports = SERVICES.map(({ name, spec }) => `${name} ${spec.PORT?.default}`);
  const parts = [
    "# Configuration",
    `Every process is told what it needs by its environment, once, at its start. A wrong value stops the start with one line
that names the variable and not the value. \`node src/main.ts --check-config\` reads it and the
files that it names as the start does, connects to nothing and does nothing else: exit code 0 or 1.
Durations are a number with \`ms\`, \`s\`, \`m\` or \`h\`. Secrets come in files: \`DATABASE_URL_FILE\` for \`DATABASE_URL\`. Under
\`make run\`, where services share an environment, \`ORDER_PORT\` goes before \`PORT\`.`,
    "This page is made from the declarations in each `config.ts`, by `test/configuration.test.ts`.",
    "## Every service",
    `Where PORT says nothing: ${ports.join(", ")}. The gateway, which serves no gRPC, has of these those that its own table repeats or that are about its ports, log, checks and drain.`,
    tableOf({ ...shared, PORT: { ...shared.PORT, default: undefined } as ConfigSpec[string] }),
    ...SERVICES.flatMap(({ name, spec }) => [`## ${name}`, tableOf(ownOf(spec))]),
    "## make run",
    `What it takes itself, before any service:`,
    tableOf({ DATA_DIR: runSpec.DATA_DIR }),
    `For all services of that one process these go before the defaults above; keys and databases it makes, and targets are where it
listens. What the environment says goes before both.`,
    toMarkdownTable(
      ["variable", "under make run"],
      Object.entries(RUN_DEFAULTS).map(([name, value]) => [`\`${name}\``, `\`${value}\``]),
    ),
    "## Telemetry",
    `Read by every process; further variables are those of
[OpenTelemetry's SDK](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).`,
    tableOf(telemetryConfig),
  ];
  await expect(`${parts.join("\n\n")}\n`).toMatchFileSnapshot("../docs/configuration.md");
});

const PLACES = [...SERVICES, { name: "telemetry", spec: telemetryConfig as ConfigSpec }].flatMap(({ name, spec }) =>
  Object.keys(spec).flatMap((variable) =>
    /(URL|TARGET|ENDPOINT|ORIGINS)$/.test(variable) ? [{ name, variable, spec }] : [],
  ),
);

for (const { name, variable, spec } of PLACES) {
  test(`a wrong ${variable} of ${name} stops the start in a line that names it and not its value`, () => {
    const read = () => readConfig(spec, { env: { [variable]: "hunter2:/nowhere" } });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(new RegExp(`^${variable} has a value that cannot be used, expected `, "m"));
    expect(read).not.toThrow("hunter2");
  });
}

const check = (name: string, env: Record<string, string>) =>
  promisify(execFile)(process.execPath, ["src/main.ts", "--check-config"], {
    cwd: join(import.meta.dirname, "../services", name),
    env: { PATH: process.env.PATH, ...env },
    timeout: 40_000,
  }).then(
    ({ stdout }) => stdout,
    ({ code, stderr }: { code: number; stderr: string }) => `${code}: ${stderr}`,
  );

const folder = mkdtempSync(join(tmpdir(), "tenon-check-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
const KNOWN = {
  DATABASE_URL: "postgres://order:hunter2@127.0.0.1:1/order",
  SERVICE_KEY_FILE: file("key.json", JSON.stringify({ ...jwk, kid: "order" })),
};
const NO_JSON = file("text", "hunter2");
const SHORT = file("short", "hunter2\n");
const NO_ROUTE = file("rules.yaml", "http: {rules: [{selector: no.such.Service.Method, get: '/x'}]}");

test("--check-config says in one line whether a process could start, and starts and calls nothing", async () => {
  for (const name of ["order", "user", "gateway"]) {
    expect(await check(name, KNOWN)).toBe(`${name}: the configuration can be used\n`);
  }
  expect(await check("order", { ...KNOWN, PORT: "hunter2" })).toMatch(/^1: order: PORT has a value [^\n]*\n$/);
}, 60_000);

for (const [name, env, line] of [
  ["greeter", { TLS_CERT_FILE: "/x" }, "TLS_CERT_FILE and TLS_KEY_FILE belong together: "],
  ["gateway", { TLS_CA_FILE: "/x" }, "TLS_CERT_FILE and TLS_KEY_FILE belong together: "],
  ["payment", { TLS_CERT_FILE: "/x", TLS_KEY_FILE: "/x" }, "TLS_CERT_FILE: /x cannot be read: "],
  ["order", { SERVICE_KEY_FILE: "" }, "neither SERVICE_KEY_FILE nor TLS_CERT_FILE is set, "],
  ["processor", { SERVICE_KEY_FILE: "/x" }, "SERVICE_KEY_FILE: /x cannot be read (ENOENT)"],
  ["greeter", { SERVICE_JWKS_FILE: NO_JSON }, `SERVICE_JWKS_FILE: ${NO_JSON} is not JSON`],
  ["user", { SIGNING_KEY_FILE: NO_JSON }, `SIGNING_KEY_FILE: ${NO_JSON} holds neither a JWK nor a JWK set`],
  ["user", { ADMIN_EMAIL: "foo" }, "ADMIN_EMAIL is not an email address"],
  ["user", { ADMIN_PASSWORD_FILE: "/x" }, "ADMIN_PASSWORD_FILE: /x cannot be read (ENOENT)"],
  ["user", { ADMIN_PASSWORD_FILE: SHORT }, `ADMIN_PASSWORD_FILE: the password in ${SHORT} needs 12 to 128 characters`],
  ["gateway", { HTTP_RULES_FILE: "/x" }, "HTTP_RULES_FILE: ENOENT"],
  ["gateway", { HTTP_RULES_FILE: NO_ROUTE }, "HTTP_RULES_FILE: "],
  [
    "order",
    { OTEL_EXPORTER_OTLP_ENDPOINT: "hunter2" },
    "OTEL_EXPORTER_OTLP_ENDPOINT has a value that cannot be used, ",
  ],
  [
    "order",
    { OTEL_TRACES_EXPORTER: "hunter2" },
    "OTEL_TRACES_EXPORTER has a value that cannot be used, expected otlp, ",
  ],
  ["gateway", { PORT: "8000", ADMIN_PORT: "8000" }, "PORT and ADMIN_PORT are both 8000: "],
  ["greeter", { PORT: "65000" }, "ADMIN_PORT is not set, and PORT + 1000 is no port"],
] as const) {
  const what = Object.entries(env).map(([variable, value]) => `${variable}=${value.replace(`${folder}/`, "")}`);
  test(`--check-config of ${name} refuses ${what.join(" ")} as the start does`, async () => {
    const said = await check(name, { ...KNOWN, ...env });
    expect(said).toMatch(/^1: [^\n]*\n$/);
    const start = `1: ${name}: ${line}`;
    expect(said.slice(0, start.length)).toBe(start);
    expect(said).not.toContain("hunter2");
  }, 60_000);
}
