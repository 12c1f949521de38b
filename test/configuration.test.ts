import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ConfigError, type ConfigSpec, isDuration, isSecret, readConfig } from "@tenon/config";
import { PLATFORM_SERVICES, RUN_DEFAULTS, runSpec } from "@tenon/platform";
import { serviceConfig, telemetryConfig } from "@tenon/runtime";
import { toMarkdownTable } from "@tenon/testing";
import { expect, test } from "vitest";

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
that names the variable and not the value. \`node src/main.ts --check-config\` reads it and does nothing else: exit code 0 or 1.
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

test("--check-config says whether a process could start, and starts nothing", async () => {
  const url = "postgres://order:hunter2@db/order";
  expect(await check("order", { DATABASE_URL: url })).toBe("order: the configuration can be used\n");
  expect(await check("order", { DATABASE_URL: url, PORT: "hunter2" })).toMatch(/^1: order: PORT has a value [^\n]*\n$/);
  expect(await check("order", { PORT: "hunter2" })).not.toContain("hunter2");
}, 60_000);
