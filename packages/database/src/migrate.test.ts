import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { emptyDatabase, eventually, running, silent } from "./database-fixture.ts";
import { databaseMigrations, migrate, openDatabase } from "./index.ts";

/** A folder with these files, by name without the ending. */
async function folderOf(files: Record<string, string>) {
  const path = await mkdtemp(join(tmpdir(), "tenon-migrations-"));
  onTestFinished(() => rm(path, { recursive: true }));
  const put = (name: string, text: string) => writeFile(join(path, `${name}.sql`), text);
  for (const [name, text] of Object.entries(files)) await put(name, text);
  return { path, url: pathToFileURL(path), put, remove: (name: string) => rm(join(path, `${name}.sql`)) };
}

const TWO = {
  "0001-person": "create table person (id int primary key); create table log (line text);",
  "0002-first": "insert into log values ('0002'); -- once",
};

test("runs each file once, in order, and says which", async () => {
  await using database = await emptyDatabase();
  const { url } = await folderOf(TWO);
  expect(await migrate(database.db, [databaseMigrations, url])).toEqual([
    "0001-idempotency",
    "0001-person",
    "0002-first",
  ]);
  expect(await migrate(database.db, [databaseMigrations, url])).toEqual([]);
});

test("62: three replicas that start at once run each file once", async () => {
  await using database = await emptyDatabase();
  const { url } = await folderOf({ ...TWO, "0002-first": "select pg_sleep(0.1); insert into log values ('0002')" });
  const replicas = [1, 2, 3].map(() => openDatabase({ url: database.url, logger: silent }));
  const applied = await Promise.all(replicas.map((db) => migrate(db, url)));
  expect(applied.flat()).toEqual(["0001-person", "0002-first"]);
  expect((await sql`select * from log`.execute(database.db)).rows).toEqual([{ line: "0002" }]);
  await Promise.all(replicas.map((db) => db.destroy()));
});

test("a file that fails leaves nothing of itself, and those before it stay", async () => {
  await using database = await emptyDatabase();
  const folder = await folderOf({ ...TWO, "0003-wrong": "insert into log values ('0003'); select nothing;" });
  await expect(migrate(database.db, folder.url)).rejects.toThrow(/^migration 0003-wrong failed: .*nothing/);
  expect((await sql`select * from log`.execute(database.db)).rows).toEqual([{ line: "0002" }]);
  await folder.put("0003-wrong", "insert into log values ('mended')");
  expect(await migrate(database.db, folder.url)).toEqual(["0003-wrong"]);
});

test("62: a process that dies within a migration leaves it to the next one", async () => {
  await using database = await emptyDatabase();
  const folder = await folderOf({ ...TWO, "0003-slow": "insert into log values ('0003'); select pg_sleep(10);" });
  const dying = migrate(database.db, folder.url).catch((error) => error);
  await eventually(async () => (await running(database.db, "pg_sleep")) === 1);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where query like '%pg_sleep%' and pid <> pg_backend_pid() and datname = current_database()`.execute(database.db);
  expect(await dying).toMatchObject({ code: "UNAVAILABLE" });
  await folder.put("0003-slow", "insert into log values ('0003')");
  expect(await migrate(database.db, folder.url)).toEqual(["0003-slow"]);
  expect((await sql`select * from log`.execute(database.db)).rows).toEqual([{ line: "0002" }, { line: "0003" }]);
});

test("62: migrations of a newer version are left alone", async () => {
  await using database = await emptyDatabase();
  const newer = await folderOf({ ...TWO, "0003-later": "select 1" });
  await migrate(database.db, newer.url);
  await newer.remove("0003-later");
  expect(await migrate(database.db, newer.url)).toEqual([]);
});

const disagreements: [string, RegExp, (folder: Awaited<ReturnType<typeof folderOf>>) => Promise<unknown>][] = [
  ["edited", /0001-person was changed after it was applied/, (folder) => folder.put("0001-person", "select 1")],
  [
    "renamed",
    /0001-person is applied but its file is missing/,
    ({ path }) => rename(join(path, "0001-person.sql"), join(path, "0001-people.sql")),
  ],
  ["numbered with a gap", /0004-four.sql: .*this one is 0003/, (folder) => folder.put("0004-four", "select 1")],
  ["numbered like another", /0002-second.sql: .*this one is 0003/, (folder) => folder.put("0002-second", "select 1")],
  ["not numbered", /words.sql: names are 0001-words/, (folder) => folder.put("words", "select 1")],
  [
    "ending its transaction",
    /0003-own.sql: runs in a transaction/,
    (folder) => folder.put("0003-own", "select 1;\nCOMMIT;"),
  ],
  [
    "of another branch",
    /0003-ours is not applied but 0003-theirs, which is not among ours, is: DATABASE_URL names another service's database, or/,
    async (folder) => {
      await folder.put("0003-ours", "select 1");
    },
  ],
];

for (const [what, message, change] of disagreements) {
  test(`refuses a file that was ${what}, before anything is changed`, async () => {
    await using database = await emptyDatabase();
    const folder = await folderOf({ ...TWO, ...(what.includes("branch") && { "0003-theirs": "select 1" }) });
    await migrate(database.db, folder.url);
    if (what.includes("branch")) await folder.remove("0003-theirs");
    await change(folder);
    await expect(migrate(database.db, folder.url)).rejects.toThrow(message);
  });
}

test("line ends do not count as a change", async () => {
  await using database = await emptyDatabase();
  const folder = await folderOf({ "0001-one": "select 1;\nselect 2;\n" });
  await migrate(database.db, folder.url);
  await folder.put("0001-one", "select 1;\r\nselect 2;\r\n");
  expect(await migrate(database.db, folder.url)).toEqual([]);
});

test("a database that accepts and does not answer is down, as one that refuses is", async () => {
  const server = createServer();
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `postgres://order@127.0.0.1:${port}/order`;
  const db = openDatabase({ url, logger: silent, connectTimeoutMs: 100 });
  onTestFinished(async () => {
    await db.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await expect(migrate(db, [])).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
