import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { createServer, implement, type ServerTls } from "@tenon/grpc";
import { createTestAuthority, testDatabase, testServer } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import type { Tables } from "./greeter-repository.ts";
import { greeterMigrations, wireGreeter } from "./server.ts";

const PROGRAM = fileURLToPath(new URL("./greet.ts", import.meta.url));

/** Runs the program as a shell does. */
const greet = (...args: string[]) => greetIn({}, ...args);

/** The same where the shell has these variables. */
const greetIn = (env: Record<string, string>, ...args: string[]) =>
  new Promise<{ exitCode: number; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [PROGRAM, ...args],
      { timeout: 10_000, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
      },
    );
  });

/** The address of a greeter that listens. */
async function listening(): Promise<string> {
  const database = await testDatabase<Tables>({ migrations: greeterMigrations });
  const greeter = testServer({ name: "greeter", services: wireGreeter({ db: database.db }).services });
  onTestFinished(async () => {
    await greeter.close();
    await database.close();
  });
  return `127.0.0.1:${await greeter.server.listen({ host: "127.0.0.1", port: 0 })}`;
}

test("each kind of call prints a line for each response", async () => {
  const target = `--target=${await listening()}`;
  const hello = (...names: string[]) => names.map((name) => `Response from server: Hello ${name}\n`).join("");
  const says = async (args: readonly string[], stdout: string) =>
    expect(await greet(target, ...args)).toEqual({ exitCode: 0, stdout, stderr: "" });
  await Promise.all([
    says(["--name=Ada, Countess of Lovelace"], hello("Ada, Countess of Lovelace")),
    says(["--name=Ada,Bob", "--kind=record"], "Response from server: 2 recorded\n"),
    says(["--name=Cleo,Dan", "--kind=list"], hello("Cleo", "Dan")),
    says(["--name=Cleo,Dan", "--kind=chat"], hello("Cleo", "Dan")),
  ]);
  await says(["--kind=list"], hello("Bob", "Ada"));
});

test("what the server refuses is told in its words", async () => {
  const outcome = await greet(`--target=${await listening()}`);
  expect(outcome).toEqual({ exitCode: 64, stdout: "", stderr: "INVALID_ARGUMENT: name is required\n" });
});

test("a port where nobody listens is told with what to do", async () => {
  const { exitCode, stdout, stderr } = await greet("--target=127.0.0.1:1", "--name=John");
  expect({ exitCode, stdout }).toEqual({ exitCode: 69, stdout: "" });
  expect(stderr).toBe('UNAVAILABLE: no greeter answers at 127.0.0.1:1: is "make run" running?\n');
});

const authority = createTestAuthority();

/** A greeter that stores nothing, with or without TLS, and its port. */
async function serve(tls?: ServerTls): Promise<number> {
  const greeter = implement(greeterv1.GreetingService, {
    greet: async ({ name }) => ({ message: `Hello ${name}` }),
    async *listGreetings() {},
    recordGreetings: async () => ({}),
    async *chatGreetings() {},
  });
  const server = createServer({ services: [greeter], tls });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return server.listen({ host: "127.0.0.1", port: 0 });
}

/** The variables of make certs, with files that hold. */
function certificates(): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "tenon-greet-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = (name: string, pem: Buffer | string) => {
    writeFileSync(join(folder, name), pem);
    return join(folder, name);
  };
  const { cert, key } = authority.issue(["greeter"]);
  return {
    TLS_CA_FILE: file("ca.crt", authority.cert),
    GREETER_TLS_CERT_FILE: file("greeter.crt", cert),
    GREETER_TLS_KEY_FILE: file("greeter.key", key),
  };
}

test("a greeter with mutual TLS is called with the greeter's variables", async () => {
  const target = `--target=127.0.0.1:${await serve({ ...authority.issue(["127.0.0.1"]), ca: authority.cert })}`;
  const said = { exitCode: 0, stdout: "Response from server: Hello John\n", stderr: "" };
  expect(await greetIn(certificates(), target, "--name=John")).toEqual(said);
});

test("that one side has TLS and the other not is told with the variables, in no words of a library", async () => {
  const closed = `127.0.0.1:${await serve(authority.issue(["127.0.0.1"]))}`;
  expect(await greet(`--target=${closed}`, "--name=John")).toEqual({
    exitCode: 69,
    stdout: "",
    stderr: `UNAVAILABLE: no greeter answers at ${closed}: something listens there, but not in the clear: if it has TLS, set TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE as it has them\n`,
  });
  const open = `127.0.0.1:${await serve()}`;
  const refused = await greetIn(certificates(), `--target=${open}`, "--name=John");
  expect(refused.exitCode).toBe(69);
  expect(refused.stderr).toMatch(
    /^UNAVAILABLE: [^\n]*: do TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE fit it, and has it TLS\?\n$/,
  );
});

test("certificates that cannot be used are told by their variable", async () => {
  const { exitCode, stderr } = await greetIn({ TLS_CERT_FILE: "/x" }, "--name=John");
  expect({ exitCode, stderr }).toEqual({
    exitCode: 78,
    stderr: "TLS_CERT_FILE and TLS_KEY_FILE belong together: set both, or neither and no TLS_CA_FILE\n",
  });
});

test("a server that stays silent costs no more than the deadline", async () => {
  const silent = createTcpServer().listen(0, "127.0.0.1");
  onTestFinished(() => void silent.close());
  await once(silent, "listening");
  const address = silent.address() as { port: number };
  const { exitCode, stderr } = await greet(`--target=127.0.0.1:${address.port}`, "--name=John", "--timeout-ms=300");
  expect({ exitCode, stderr }).toEqual({ exitCode: 75, stderr: "DEADLINE_EXCEEDED: no answer within 300 ms\n" });
});

for (const [args, words] of [
  [["--kind=shout"], "there is no kind shout: there are greet, list, record, chat"],
  [["--kind=record"], "kind=record sends names, and there are none: name=Ada,Grace"],
  [["--kind=chat", "--name=,"], "kind=chat sends names, and there are none: name=Ada,Grace"],
  [["--timeout-ms=soon"], "timeout-ms is a number of milliseconds above 0"],
  [["--nmae=John"], "Unknown option '--nmae'"],
] as const) {
  test(`${args[0]} is refused without a call`, async () => {
    const { exitCode, stdout, stderr } = await greet(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain(words);
  });
}
