import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { StartError } from "@tenon/errors";
import { expect, onTestFinished, test } from "vitest";
import { makeSecrets } from "./secrets.ts";

const services = ["order", "payment"];

/** As compose mounts it: with a directory for each owner. */
async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-setup-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const owner of [...services, "postgres"]) await mkdir(join(directory, owner));
  return directory;
}

const make = (directory: string) => makeSecrets({ directory, services, databaseAddress: "postgres:5432" });

async function contentOf(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory, { recursive: true })).filter((name) => name.includes("/")).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const)),
  );
}

test("each owner gets its own, and nothing of another's", async () => {
  const directory = await newDirectory();
  await make(directory);
  const content = await contentOf(directory);
  expect(Object.keys(content)).toEqual([
    "order/database.env",
    "order/key.jwk.json",
    "order/services.jwks.json",
    "payment/database.env",
    "payment/key.jwk.json",
    "payment/services.jwks.json",
    "postgres/order.scram",
    "postgres/payment.scram",
  ]);
  const { password } = new URL(content["payment/database.env"]?.split("=")[1] ?? "");
  const { d } = JSON.parse(content["payment/key.jwk.json"] ?? "");
  for (const [name, text] of Object.entries(content)) {
    expect(text.includes(password)).toBe(name === "payment/database.env");
    expect(text.includes(d)).toBe(name === "payment/key.jwk.json");
  }
  expect(content["order/services.jwks.json"]).toBe(content["payment/services.jwks.json"]);
});

test("what holds a secret is for its owner only; PostgreSQL, as whoever it runs, reads the verifiers", async () => {
  const directory = await newDirectory();
  await make(directory);
  for (const name of Object.keys(await contentOf(directory))) {
    const { mode } = await stat(join(directory, name));
    expect(mode & 0o777, name).toBe(name.startsWith("postgres/") ? 0o644 : 0o600);
  }
});

test("made again, nothing changes", async () => {
  const directory = await newDirectory();
  await make(directory);
  const before = await contentOf(directory);
  await make(directory);
  expect(await contentOf(directory)).toEqual(before);
});

test("with PostgreSQL elsewhere the password stays", async () => {
  const directory = await newDirectory();
  await make(directory);
  const before = await contentOf(directory);
  await makeSecrets({ directory, services, databaseAddress: "db.internal:6432" });
  const after = await contentOf(directory);
  expect(after["order/database.env"]).toBe(before["order/database.env"]?.replace("postgres:5432", "db.internal:6432"));
  expect(after["postgres/order.scram"]).toBe(before["postgres/order.scram"]);
});

for (const [what, spoil] of [
  ["lost", (file: string) => rm(file)],
  ["half-written", (file: string) => writeFile(file, "DATABASE_URL=postgres://order:abc")],
] as const) {
  test(`a password that is ${what} is made anew, with its verifier`, async () => {
    const directory = await newDirectory();
    await make(directory);
    const before = await contentOf(directory);
    await spoil(join(directory, "order", "database.env"));
    await make(directory);
    const after = await contentOf(directory);
    for (const name of ["order/database.env", "postgres/order.scram"]) expect(after[name]).not.toBe(before[name]);
    expect(after["payment/database.env"]).toBe(before["payment/database.env"]);
  });
}

test("with NATS each service has a password for it, and may tell its own events only", async () => {
  const directory = await newDirectory();
  await mkdir(join(directory, "nats"));
  const made = { directory, services, databaseAddress: "postgres:5432", natsAddress: "nats:4222" };
  await makeSecrets(made);
  const before = await contentOf(directory);
  const passwordOf = (name: string) => new URL(before[`${name}/nats.url`] ?? "").password;
  expect(before["order/nats.url"]).toBe(`nats://order:${passwordOf("order")}@nats:4222\n`);
  expect(passwordOf("order")).not.toBe(passwordOf("payment"));
  const { users } = JSON.parse((before["nats/users.conf"] ?? "").replace("authorization: ", ""));
  expect(users).toMatchObject([
    {
      user: "order",
      password: passwordOf("order"),
      permissions: { publish: ["events.order.>", "$JS.API.>", "$JS.ACK.>"] },
    },
    { user: "payment", password: passwordOf("payment") },
  ]);
  await makeSecrets(made);
  expect(await contentOf(directory)).toEqual(before);
  await rm(join(directory, "nats", "users.conf"));
  await makeSecrets(made);
  expect(await contentOf(directory)).toEqual(before);
});

test("a verifier that is lost is made of the password that is there", async () => {
  const directory = await newDirectory();
  await make(directory);
  const before = await contentOf(directory);
  await rm(join(directory, "postgres", "order.scram"));
  await make(directory);
  const after = await contentOf(directory);
  expect(after["order/database.env"]).toBe(before["order/database.env"]);
  expect(after["postgres/order.scram"]).toMatch(/^SCRAM-SHA-256\$4096:/);
});

test("a directory that is missing is one clear line", async () => {
  const directory = await newDirectory();
  await rm(join(directory, "payment"), { recursive: true });
  const failure = make(directory);
  await expect(failure).rejects.toThrow(StartError);
  await expect(failure).rejects.toThrow(/payment.* cannot be used: it is missing$/);
});

test.skipIf(process.getuid?.() === 0)("a directory that it may not write to is one clear line", async () => {
  const directory = await newDirectory();
  await chmod(join(directory, "order"), 0o500);
  await expect(make(directory)).rejects.toThrow(/order.* cannot be used: permission denied$/);
});

/** The program, with these variables only. */
const program = (env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [fileURLToPath(new URL("./main.ts", import.meta.url))], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );

test("the program says once what it makes, and exits 0", async () => {
  const env = { SECRETS_DIR: await newDirectory(), SERVICES: services.join(" ") };
  expect(await program(env)).toEqual({
    code: 0,
    stdout: "Making the keys by which services know each other\n",
    stderr: "",
  });
  expect(await program(env)).toEqual({ code: 0, stdout: "", stderr: "" });
});

for (const [env, line] of [
  [{ SERVICES: "order", LOG_LEVEL: "loud" }, /^setup: LOG_LEVEL has a value that cannot be used.*\n$/],
  [{ SERVICES: "order ../user" }, /^setup: SERVICES: \.\.\/user cannot be the name of a service\n$/],
  [{}, /^setup: SERVICES is not set.*\n$/],
  [{ SERVICES: "order", SECRETS_DIR: "/nowhere" }, /^setup: \/nowhere.* cannot be used: it is missing\n$/],
] as const) {
  test(`with ${JSON.stringify(env)} it says one line and exits 1`, async () => {
    expect(await program(env)).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(line) });
  });
}
