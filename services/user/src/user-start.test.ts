import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as userv1 from "@tenon/contracts/user/v1";
import { createClient } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { freePorts, testDatabase } from "@tenon/testing";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { readUserConfig } from "./config.ts";
import { type FirstAdmin, type StartUserOptions, startUser } from "./server.ts";
import { PASSWORD } from "./user-fixture.ts";

async function emptyDatabase() {
  const database = await testDatabase({ migrations: [] });
  onTestFinished(() => database.close());
  return database;
}

async function file(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tenon-user-start-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "file");
  await writeFile(path, content);
  return path;
}

async function start(env: Record<string, string>, options: Partial<StartUserOptions> = {}) {
  const key = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  // Nobody listens there: the user service starts without those that it tells.
  const known = { DRAIN_WAIT: "0ms", ORDER_TARGET: "127.0.0.1:1", SERVICE_KEY_FILE: await file(JSON.stringify(key)) };
  const config = { ...readUserConfig({ ...known, ...env }), PORT: 0, ADMIN_PORT: 0 };
  const running = await startUser({ config, logger: createLogger({ name: "user", level: "silent" }), ...options });
  onTestFinished(() => running.close());
  const target = `127.0.0.1:${running.port}`;
  const sessions = createClient(userv1.SessionService, { target });
  const keys = createClient(userv1.KeyService, { target });
  onTestFinished(() => [sessions, keys].forEach((client) => void client.close()));
  const ready = async () => (await fetch(`http://127.0.0.1:${running.adminPort}/readyz`)).status;
  return { running, sessions, keys, ready };
}

describe("a first start", () => {
  test("of three replicas at once migrates once and makes one admin, told to one of them", async () => {
    const { url: DATABASE_URL } = await emptyDatabase();
    const replicas = await Promise.all([1, 2, 3].map(() => start({ DATABASE_URL })));
    const [admin, ...others] = replicas.flatMap(({ running }) => running.admin ?? []);
    expect(others).toEqual([]);
    expect(admin).toEqual({ email: "admin@tenon.local", password: expect.stringMatching(/^[\w-]{24}$/) });
    const { email = "", password = "" } = admin ?? {};
    for (const { sessions } of replicas) await sessions.createSession({ email, password });
    const [one, ...rest] = await Promise.all(replicas.map(({ keys }) => keys.listKeys({})));
    expect(one?.keys).toHaveLength(2);
    for (const other of rest) expect(other.keys).toEqual(one?.keys);
  });

  test("takes the admin that is given, shows nothing, and leaves him alone afterwards", async () => {
    const { url: DATABASE_URL } = await emptyDatabase();
    const env = { DATABASE_URL, ADMIN_EMAIL: "boss@example.com" };
    const first = await start({ ...env, ADMIN_PASSWORD_FILE: await file(`${PASSWORD}\n`) });
    expect(first.running.admin).toBeUndefined();
    const again = await start({ ...env, ADMIN_PASSWORD_FILE: await file("another password") });
    await again.sessions.createSession({ email: "boss@example.com", password: PASSWORD });
  });

  test("tells whoever listens", async () => {
    const { url: DATABASE_URL } = await emptyDatabase();
    const told: unknown[] = [];
    const { running } = await start({ DATABASE_URL }, { onFirstAdmin: (admin) => void told.push(admin) });
    expect(told).toEqual([running.admin]);
  });
});

describe("a start is refused in one line", () => {
  for (const [name, env, line] of [
    [
      "no password file",
      { ADMIN_PASSWORD_FILE: "/nonexistent" },
      "ADMIN_PASSWORD_FILE: /nonexistent cannot be read (ENOENT)",
    ],
    ["no email", { ADMIN_EMAIL: "boss" }, "ADMIN_EMAIL is not an email address"],
    ["no key file", { SIGNING_KEY_FILE: "/nonexistent" }, "SIGNING_KEY_FILE: /nonexistent cannot be read (ENOENT)"],
  ] as const) {
    test(name, async () => {
      const { url: DATABASE_URL } = await emptyDatabase();
      await expect(start({ DATABASE_URL, ...env })).rejects.toMatchObject({ name: "StartError", message: line });
    });
  }

  test("an email that is somebody else's", async () => {
    const { url: DATABASE_URL, db } = await emptyDatabase();
    await start({ DATABASE_URL, ADMIN_EMAIL: "ada@example.com" });
    await sql`update users set role = 'USER'`.execute(db);
    await expect(start({ DATABASE_URL, ADMIN_EMAIL: "Ada@example.com" })).rejects.toMatchObject({
      name: "StartError",
      message: "ADMIN_EMAIL belongs to a user who is not an admin",
    });
  });

  test("a password that is too short, without repeating it", async () => {
    const { url: DATABASE_URL } = await emptyDatabase();
    const refused = await start({ DATABASE_URL, ADMIN_PASSWORD_FILE: await file("hunter2") }).catch((error) => error);
    expect(refused.message).toMatch(/^ADMIN_PASSWORD_FILE: .* needs 12 to 128 characters$/);
    expect(refused.message).not.toContain("hunter2");
  });
});

test("keys from a file sign, and the database has none", async () => {
  const { url: DATABASE_URL } = await emptyDatabase();
  const jwk = { ...generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }), kid: "from-file" };
  const SIGNING_KEY_FILE = await file(JSON.stringify(jwk));
  const { keys, running, sessions } = await start({ DATABASE_URL, SIGNING_KEY_FILE });
  expect((await keys.listKeys({})).keys.map(({ kid }) => kid)).toEqual(["from-file"]);
  const session = await sessions.createSession(running.admin ?? {});
  const users = createClient(userv1.UserService, {
    target: `127.0.0.1:${running.port}`,
    interceptors: [
      ({ requestMetadata }) => ({
        onStart: () => requestMetadata.set("authorization", `Bearer ${session.accessToken}`),
      }),
    ],
  });
  onTestFinished(() => users.close());
  expect((await users.getMe({})).user?.role).toBe(userv1.Role.ADMIN);
});

test("63: without its database it starts, and is not ready", async () => {
  const { ready, sessions } = await start({ DATABASE_URL: "postgres://user:secret@127.0.0.1:1/user" });
  expect(await ready()).toBe(503);
  await expect(sessions.createSession({ email: "a@b.c", password: PASSWORD })).rejects.toMatchObject({
    code: "UNAVAILABLE",
  });
});

test("63: once its database is there it prepares it and is ready", async () => {
  const { url } = await emptyDatabase();
  const [port = 0] = await freePorts(1);
  const away = new URL(url);
  away.host = `127.0.0.1:${port}`;
  const told: FirstAdmin[] = [];
  const onFirstAdmin = (admin: FirstAdmin) => void told.push(admin);
  const { ready, sessions } = await start({ DATABASE_URL: away.href, CHECK_INTERVAL: "50ms" }, { onFirstAdmin });
  expect(await ready()).toBe(503);

  const real = new URL(url);
  const wire = createServer((socket) => {
    const onward = connect(Number(real.port), real.hostname);
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on("error", () => {});
  });
  wire.listen(port, "127.0.0.1");
  onTestFinished(() => void wire.close());
  await expect.poll(ready, { timeout: 10_000 }).toBe(200);
  await sessions.createSession(told[0] ?? {});
});
