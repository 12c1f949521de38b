import type { StatusError } from "@tenon/errors";
import { type Kysely, sql } from "kysely";
import { expect, test } from "vitest";
import { emptyDatabase, silent } from "./database-fixture.ts";
import { openDatabase, sendTogether, sendWithNext } from "./index.ts";

type Db = Kysely<Record<string, never>>;

const insert = (db: Db, line: string) => sql`insert into log values (${line})`.compile(db);
const lines = async (db: Db) => (await sql<{ line: string }>`select line from log order by line`.execute(db)).rows;
const failureOf = (work: Promise<unknown>): Promise<StatusError> =>
  work.then(
    () => expect.fail("it did not fail"),
    (error) => error,
  );

/** A database with a log that takes each line once. */
async function logDatabase() {
  const database = await emptyDatabase();
  await sql`create table log (line text constraint log_once unique)`.execute(database.db);
  return database;
}

test("statements that are sent together are answered one by one, and each sees what those before it did", async () => {
  await using database = await logDatabase();
  const { db } = database;
  const [, count, one] = await sendTogether(
    db,
    insert(db, "a"),
    sql<{ count: bigint }>`select count(*) from log`.compile(db),
    sql<{ one: number }>`select 1 as one`.compile(db),
  );
  expect([count.rows, one.rows]).toEqual([[{ count: 1n }], [{ one: 1 }]]);
});

test("a statement behind a lock sees what was committed while the lock was waited for", async () => {
  await using database = await logDatabase();
  const { db } = database;
  const lock = sql`select pg_advisory_xact_lock(7)`;
  const locked = Promise.withResolvers<void>();
  const holder = db.transaction().execute(async (tx) => {
    await lock.execute(tx);
    locked.resolve();
    await expect
      .poll(async () => (await sql`select from pg_locks where locktype = 'advisory' and not granted`.execute(db)).rows)
      .toHaveLength(1);
    await sendWithNext(tx, insert(tx, "by the holder"));
  });
  await locked.promise;
  const [, seen] = await db
    .transaction()
    .execute((tx) => sendTogether(tx, lock.compile(tx), sql`select line from log`.compile(tx)));
  expect(seen.rows).toEqual([{ line: "by the holder" }]);
  await holder;
});

test("the first that fails is the last that is executed, and outside of a transaction nothing of them stays", async () => {
  await using database = await logDatabase();
  const { db } = database;
  const failed = sendTogether(db, insert(db, "a"), insert(db, "a"), insert(db, "b"));
  await expect(failed).rejects.toMatchObject({ constraint: "log_once" });
  expect(await lines(db)).toEqual([]);
});

test("a transaction does not outlive the failure of the statement that it began with", async () => {
  await using database = await logDatabase();
  const { db } = database;
  await db.executeQuery(insert(db, "a"));
  const failed = db.transaction().execute(async (tx) => {
    await sendTogether(tx, insert(tx, "b"), insert(tx, "a"));
  });
  await expect(failed).rejects.toMatchObject({ constraint: "log_once" });
  expect(await lines(db)).toEqual([{ line: "a" }]);
});

test("what is sent with the next statement goes before it, or before the commit", async () => {
  await using database = await logDatabase();
  const { db } = database;
  await db.transaction().execute(async (tx) => {
    await sendWithNext(tx, insert(tx, "a"));
    expect(await lines(tx)).toEqual([{ line: "a" }]);
    await sendWithNext(tx, insert(tx, "b"));
  });
  expect(await lines(db)).toEqual([{ line: "a" }, { line: "b" }]);
});

test("what fails with the commit fails the transaction, and all of it is undone", async () => {
  await using database = await logDatabase();
  const { db } = database;
  const failed = db.transaction().execute(async (tx) => {
    await sendWithNext(tx, insert(tx, "a"));
    await sendWithNext(tx, insert(tx, "a"));
  });
  await expect(failed).rejects.toMatchObject({ constraint: "log_once" });
  expect(await lines(db)).toEqual([]);
});

test("what waits when its transaction fails is not sent", async () => {
  await using database = await logDatabase();
  const { db } = database;
  const failed = db.transaction().execute(async (tx) => {
    await lines(tx);
    await sendWithNext(tx, insert(tx, "a"));
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(await lines(db)).toEqual([]);
});

test("outside of a transaction no statement follows that another could go with", async () => {
  await using database = await logDatabase();
  await expect(sendWithNext(database.db, insert(database.db, "a"))).rejects.toThrow(TypeError);
});

test("each text is parsed once for each connection, and how many are kept is bounded", async () => {
  await using database = await logDatabase();
  const db = openDatabase<Record<string, never>>({ url: database.url, logger: silent, poolSize: 1 });
  const select = (n: number) => sql<{ n: number }>`select ${n}::integer + ${sql.lit(n % 300)} as n`;
  const prepared = async () =>
    (await sql<{ n: bigint }>`select count(*) as n from pg_prepared_statements`.execute(db)).rows;
  for (const n of [1, 1, 1]) await select(n).execute(db);
  expect(await prepared()).toEqual([{ n: 2n }]);
  for (let n = 0; n < 600; n++) expect((await select(n).execute(db)).rows).toEqual([{ n: n + (n % 300) }]);
  expect(await prepared()).toEqual([{ n: 200n }]);
  await db.destroy();
});

test("a text that failed when it was first sent is sent again", async () => {
  await using database = await logDatabase();
  const db = openDatabase<Record<string, never>>({ url: database.url, logger: silent, poolSize: 1 });
  await db.executeQuery(sql`insert into log values ('a')`.compile(db));
  for (let n = 0; n < 2; n++) await expect(db.executeQuery(insert(db, "a"))).rejects.toThrow();
  await db.executeQuery(insert(db, "b"));
  await expect(sql`select * from nowhere`.execute(db)).rejects.toThrow();
  await sql`create table nowhere (n int)`.execute(db);
  expect((await sql`select * from nowhere`.execute(db)).rows).toEqual([]);
  await db.destroy();
});

test("a table that gets another column fails a prepared statement once, with ABORTED", async () => {
  await using database = await logDatabase();
  const db = openDatabase<Record<string, never>>({ url: database.url, logger: silent, poolSize: 1 });
  const select = () => sql`select * from log where line = ${"a"}`.execute(db);
  await select();
  await sql`alter table log add column n int`.execute(database.db);
  expect(await failureOf(select())).toMatchObject({ code: "ABORTED", reason: "STATEMENT_OUTDATED" });
  expect((await select()).rows).toEqual([]);
  await db.destroy();
});
