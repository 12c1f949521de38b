import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { fileURLToPath } from "node:url";
import { testDatabase, testServer } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import type { Tables } from "./greeter-repository.ts";
import { greeterMigrations, wireGreeter } from "./server.ts";

const PROGRAM = fileURLToPath(new URL("./greet.ts", import.meta.url));

/** Runs the program as a shell does. */
const greet = (...args: string[]) =>
  new Promise<{ exitCode: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { timeout: 10_000 }, (error, stdout, stderr) => {
      resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
    });
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
