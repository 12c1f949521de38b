import { writeFileSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { eventually, silent } from "../database-fixture.ts";
import { openDatabase, ping } from "../index.ts";
import { ask, failureOf, madeDirectory, ownerProcess, scratchDirectory, serverPid, start } from "./embedded-fixture.ts";

test("keeps data, passwords and port over a restart, and starts in under a second the second time", async () => {
  const directory = await scratchDirectory();
  const { embedded: first, said } = await start(directory, { durable: true });
  const url = await first.ensureDatabase({ database: "order", role: "order" });
  await ask(url, "create table kept as select 42 as answer");
  expect(said).toEqual([expect.stringMatching(/^Making the database/)]);
  await first.close();
  const startedAt = performance.now();
  const { embedded: second, said: saidAgain } = await start(directory, { durable: true });
  expect(performance.now() - startedAt).toBeLessThan(1000);
  expect(saidAgain).toEqual([]);
  expect(second.url("order", "order")).toBe(url);
  expect(await ask(url, "select answer from kept")).toEqual({ answer: 42 });
  expect(await ask(url, "show fsync")).toEqual({ fsync: "on" });
});

test("listens on the loopback address alone, and knows its users by a password that only its owner can read", async () => {
  const directory = await madeDirectory();
  const { embedded } = await start(directory);
  expect((await stat(join(directory, "cluster", "password"))).mode & 0o777).toBe(0o600);
  expect((await stat(directory)).mode & 0o077).toBe(0);
  expect(await ask(embedded.adminUrl, "show listen_addresses")).toEqual({ listen_addresses: "127.0.0.1" });
  const guessed = new URL(embedded.adminUrl);
  for (const password of ["", "postgres"]) {
    guessed.password = password;
    await expect(ask(guessed.href, "select 1")).rejects.toThrow();
  }
  const { secret } = await ask(
    embedded.adminUrl,
    "select rolpassword as secret from pg_authid where rolname = 'postgres'",
  );
  expect(secret).toMatch(/^SCRAM-SHA-256/);
});

test("64: a service's role reaches its own database and no other", async () => {
  const { embedded } = await start(await madeDirectory());
  await embedded.ensureDatabase({ database: "payment", role: "payment" });
  const own = await embedded.ensureDatabase({ database: "order", role: "order" });
  expect(await embedded.ensureDatabase({ database: "order", role: "order" })).toBe(own);
  await ask(own, "create table mine (id int)");
  for (const database of ["payment", "postgres", "template1"]) {
    await expect(ask(embedded.url(database, "order"), "select 1")).rejects.toThrow(/permission denied for database/);
  }
  const rights = await ask(
    own,
    "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user",
  );
  expect(rights).toEqual({ rolsuper: false, rolcreatedb: false, rolcreaterole: false });
  for (const name of ["", "Order", "or der", 'x"; drop', "é", "x".repeat(64)]) {
    await expect(embedded.ensureDatabase({ database: "order", role: name })).rejects.toThrow(/cannot be the name/);
  }
});

test("the server that a killed process left is taken over", async () => {
  const directory = await madeDirectory();
  const { child } = await ownerProcess(directory);
  const orphan = await serverPid(directory);
  child.kill("SIGKILL");
  await new Promise((exited) => child.once("exit", exited));
  const { embedded, said } = await start(directory);
  expect(said).toEqual(["Taking over the database that a killed run left"]);
  expect(await serverPid(directory)).toBe(orphan);
  expect(await ask(embedded.url("order", "order"), "select 1 as one")).toEqual({ one: 1 });
  await embedded.close();
  expect(await serverPid(directory)).toBeUndefined();
});

test("a server that only begins, as another start's does, is not called one that a killed run left", async () => {
  const directory = await madeDirectory();
  const { child } = await ownerProcess(directory);
  child.kill("SIGKILL");
  await new Promise((exited) => child.once("exit", exited));
  const file = join(directory, "cluster", "data", "postmaster.pid");
  const ready = await readFile(file, "utf8");
  await writeFile(file, ready.replace("ready   ", "starting"));
  const said: string[] = [];
  const begun = (line: string) => {
    said.push(line);
    writeFileSync(file, ready);
  };
  await start(directory, { onProgress: begun });
  expect(said).toEqual(["Waiting for the database to recover"]);
});

test("a second process on the directory is told who has it, and the first one does not notice", async () => {
  const directory = await madeDirectory();
  const { embedded } = await start(directory);
  const { line } = await ownerProcess(directory);
  expect(line).toBe(
    `StartError: the database in ${directory} is in use by process ${process.pid}: stop that one first`,
  );
  expect(await ask(embedded.adminUrl, "select 1 as one")).toEqual({ one: 1 });
});

test("of processes that start at once on a new directory one has it, the others are told", async () => {
  const directory = await scratchDirectory();
  const lines = (await Promise.all([1, 2, 3].map(() => ownerProcess(directory)))).map(({ line }) => line).sort();
  expect(lines.filter((line) => line.startsWith("up "))).toHaveLength(1);
  expect(lines.filter((line) => /^StartError: the database in .* is in use by process \d+/.test(line))).toHaveLength(2);
});

test("the server survives what a terminal sends to the group of this process", async () => {
  const directory = await madeDirectory();
  await start(directory);
  const status = await readFile(`/proc/${await serverPid(directory)}/stat`, "utf8");
  const fields = status.split(") ")[1];
  const [, , group, session] = fields?.split(" ") ?? [];
  expect([group, session]).toEqual([String(await serverPid(directory)), String(await serverPid(directory))]);
});

test("a server that dies is started again on its port, and pools find it", async () => {
  const directory = await madeDirectory();
  const { embedded } = await start(directory);
  const url = await embedded.ensureDatabase({ database: "order", role: "order" });
  const db = openDatabase({ url, logger: silent, statementTimeoutMs: 30_000 });
  await sql`create table kept as select 42 as answer`.execute(db);
  const cut = sql`select pg_sleep(20)`.execute(db).catch((error) => error);
  const pid = (await serverPid(directory)) as number;
  process.kill(pid, "SIGKILL");
  expect(await cut).toMatchObject({ code: "UNAVAILABLE" });
  await eventually(
    () =>
      ping(db).then(
        () => true,
        () => false,
      ),
    { withinMs: 10_000 },
  ); // prettier
  expect((await sql`select answer from kept`.execute(db)).rows).toEqual([{ answer: 42 }]);
  expect(await serverPid(directory)).not.toBe(pid);
  await embedded.ensureDatabase({ database: "late", role: "late" });
  await db.destroy();
});

test("an old process number that another process has now does not stop a start", async () => {
  const directory = await madeDirectory();
  const { embedded } = await start(directory);
  await embedded.close();
  const stale = [process.pid, join(directory, "cluster", "data"), 1, 5432, "", "127.0.0.1", "", "ready"].join("\n");
  await writeFile(join(directory, "cluster", "data", "postmaster.pid"), `${stale}\n`);
  const { embedded: again } = await start(directory);
  expect(await ask(again.adminUrl, "select 1 as one")).toEqual({ one: 1 });
});

test("a port that was taken meanwhile is exchanged for another", async () => {
  const directory = await madeDirectory();
  const { embedded } = await start(directory);
  await embedded.close();
  const taken = createServer();
  await new Promise<void>((listening) => taken.listen(Number(new URL(embedded.adminUrl).port), "127.0.0.1", listening));
  const { embedded: again } = await start(directory);
  expect(again.adminUrl).not.toBe(embedded.adminUrl);
  expect(await ask(again.adminUrl, "select 1 as one")).toEqual({ one: 1 });
  await new Promise((closed) => taken.close(closed));
});

test("closing ends connections and transactions, and can be repeated", async () => {
  const directory = await madeDirectory();
  const { embedded } = await start(directory);
  const busy = failureOf(ask(embedded.adminUrl, "select pg_sleep(20)"));
  await Promise.all([embedded.close(), embedded.close()]);
  expect(await serverPid(directory)).toBeUndefined();
  await busy;
});
