import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createTestAuthority, freePorts } from "@tenon/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startPlatformProcess } from "./platform-process.ts";

const ENTRY = join(import.meta.dirname, "../services/platform/src/operate.ts");
/** Bounds two processes on a busy machine. */
const LONG_TEST_MS = 60_000;
vi.setConfig({ testTimeout: LONG_TEST_MS });

const undo = new AsyncDisposableStack();
afterAll(() => undo.disposeAsync());

let env: Record<string, string>;
beforeAll(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tenon-operator-"));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const ports = await freePorts(8);
  env = { DATA_DIR: dataDir };
  for (const name of ["USER", "ORDER", "PAYMENT", "PROCESSOR"]) {
    env[`${name}_PORT`] = String(ports.pop());
    env[`${name}_ADMIN_PORT`] = String(ports.pop());
  }
  const platform = undo.use(startPlatformProcess({ dataDir, env, only: "user,order,payment,processor" }));
  await platform.ready({ timeoutMs: 30_000 });
}, LONG_TEST_MS);

/** What `make platform args="..."` runs, by its words. */
async function operate(words: string, more: Record<string, string> = {}) {
  const child = spawn(process.execPath, [ENTRY, ...words.split(" ").filter(Boolean)], {
    env: { PATH: process.env.PATH, ...env, ...more },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LONG_TEST_MS / 3,
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [code, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

test("without a command they are listed", async () => {
  const listed = await operate("");
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  for (const name of ["reconcile", "redrive", "replay-outbox", "verify-ledger", "help"])
    expect(listed.stdout).toContain(`\n  ${name} `);
  expect(await operate("help")).toEqual(listed);
});

test("exit codes are listed as the runbook has them, and how to see them", async () => {
  const { stdout } = await operate("help");
  const runbook = readFileSync(join(import.meta.dirname, "../docs/runbook.md"), "utf8");
  const documented = [...runbook.matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)].map(
    ([, code, meaning]) => `${code} ${meaning}`,
  );
  const listed = [...stdout.matchAll(/^ {2}(\d+) +(.*)$/gm)].map(([, code, meaning]) => `${code} ${meaning}`);
  expect(listed).toContain("78 a variable, key or certificate cannot be used");
  expect(documented).toEqual(listed);
  const [direct = ""] = /node_modules\S+ services\S+/.exec(stdout) ?? [];
  expect(runbook).toContain(`\n${direct} reconcile\n`);
  for (const path of direct.split(" ")) expect(existsSync(join(import.meta.dirname, "..", path))).toBe(true);
});

test("verify-ledger reads the books of the running platform, as often as it is asked", async () => {
  for (let n = 0; n < 2; n++) {
    expect(await operate("verify-ledger")).toEqual({ code: 0, stdout: "The books hold: 0 currencies.\n", stderr: "" });
  }
});

test("reconcile compares with the running processor, as often as it is asked", async () => {
  for (let n = 0; n < 2; n++) {
    expect(await operate("reconcile")).toEqual({
      code: 0,
      stdout: "new transactions: 0, repairs: 0, open findings: 0\nPayments, books and statement agree.\n",
      stderr: "",
    });
  }
});

test("39: replay-outbox has what happened told again, as often as it is asked", async () => {
  // The first admin is a user; nothing else has happened here.
  for (let n = 0; n < 2; n++) {
    const { stdout, ...told } = await operate("replay-outbox user");
    expect(told).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^(user: 1 events so far\n)?user: [01] events are told again\.\n$/);
  }
  expect(await operate("replay-outbox payment")).toMatchObject({
    stdout: "payment: 0 events are told again.\n",
    code: 0,
  });
});

test("40: redrive has dead letters tried again", async () => {
  const stdout = "order: 0 dead letters are tried again.\n";
  expect(await operate("redrive")).toEqual({ code: 0, stdout, stderr: "" });
});

for (const [what, words, more, code, said] of [
  ["a service that tells nothing", "replay-outbox gateway", {}, 64, /^replay-outbox: name one of user, .*\n$/],
  ["a word too many", "reconcile --dry-run", {}, 64, /^reconcile takes no words, .*"--dry-run": nothing was done\n$/],
  ["an unknown command", "verify", {}, 64, /^there is no command verify: make platform args="help" lists them\n$/],
  [
    "no platform",
    "verify-ledger",
    { PAYMENT_PORT: "1" },
    69,
    /^the platform does not answer \(connect ECONNREFUSED 127\.0\.0\.1:1\): .*\n$/,
  ],
  ["no key", "verify-ledger", { DATA_DIR: "/nowhere" }, 78, /^the operator's key cannot be had .*set TOKEN.*\n$/],
  ["a token of nobody's", "verify-ledger", { TOKEN: "x" }, 77, /^[^\n]*: set TOKEN to the access token of an admin\n$/],
] as const) {
  test(`${what} is told in one line, with exit code ${code}`, async () => {
    const told = await operate(words, more);
    expect(told).toMatchObject({ code, stdout: "" });
    expect(told.stderr).toMatch(said);
  });
}

test("a platform without TLS, called by TLS, is told with the variables and in no words of a library", async () => {
  const TLS_CA_FILE = join(env.DATA_DIR ?? "", "ca.crt");
  await writeFile(TLS_CA_FILE, createTestAuthority().cert);
  expect(await operate("verify-ledger", { TLS_CA_FILE })).toEqual({
    code: 69,
    stdout: "",
    stderr:
      "the platform does not answer: something listens there, but no connection by TLS comes about: " +
      "do TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE fit it, and has it TLS?\n",
  });
  expect(await operate("verify-ledger", { TLS_CA_FILE: "/x" })).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/^TLS_CA_FILE: \/x cannot be read: [^\n]*\n$/),
  });
});
