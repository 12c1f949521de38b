import { StatusError } from "@tenon/errors";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { emptyDatabase, eventually, running, silent } from "./database-fixture.ts";
import { openDatabase, ping, withSignal } from "./index.ts";

const gone = new StatusError("CANCELLED", "the caller has left");

test("47: the statement that runs is cancelled within 100 ms of the abort, and rejects with its reason", {
  retry: 2,
}, async () => {
  await using database = await emptyDatabase();
  const call = new AbortController();
  const work = sql`select pg_sleep(10)`.execute(withSignal(database.db, call.signal)).catch((error) => error);
  await eventually(async () => (await running(database.db, "pg_sleep")) === 1);
  const abortedAt = performance.now();
  call.abort(gone);
  await eventually(async () => (await running(database.db, "pg_sleep")) === 0, { withinMs: 1000 });
  expect(performance.now() - abortedAt).toBeLessThan(100);
  expect(await work).toBe(gone);
});

test("47: every statement of a call is cancelled without a word in the repository, by the current call's signal", async () => {
  await using database = await emptyDatabase();
  const call = new AbortController();
  const db = openDatabase({ url: database.url, logger: silent, currentSignal: () => call.signal });
  const work = sql`select pg_sleep(10)`.execute(db).catch((error) => error);
  await eventually(async () => (await running(database.db, "pg_sleep")) === 1);
  call.abort(gone);
  expect(await work).toBe(gone);
  await db.destroy();
});

test("a transaction is rolled back, and its connection serves others", async () => {
  await using database = await emptyDatabase();
  const db = openDatabase({ url: database.url, logger: silent, poolSize: 1 });
  await sql`create table note (text text)`.execute(db);
  const session = async () => (await sql`select pg_backend_pid() as pid`.execute(db)).rows;
  const before = await session();
  const call = new AbortController();
  const work = withSignal(db, call.signal)
    .transaction()
    .execute(async (tx) => {
      await sql`insert into note values ('lost')`.execute(tx);
      await sql`select pg_sleep(10)`.execute(tx);
    })
    .catch((error) => error);
  await eventually(async () => (await running(database.db, "pg_sleep")) === 1);
  call.abort(gone);
  expect(await work).toBe(gone);
  const { rows } = await sql`select * from note`.execute(db);
  expect(rows).toEqual([]);
  expect(await session()).toEqual(before);
  await db.destroy();
});

test("an abort between two statements keeps the transaction from its commit", async () => {
  await using database = await emptyDatabase();
  await sql`create table note (text text)`.execute(database.db);
  const call = new AbortController();
  const work = withSignal(database.db, call.signal)
    .transaction()
    .execute(async (tx) => {
      await sql`insert into note values ('lost')`.execute(tx);
      call.abort(gone);
    });
  await expect(work).rejects.toBe(gone);
  expect((await sql`select * from note`.execute(database.db)).rows).toEqual([]);
});

test("nothing is sent for a call that is over, and who waits for a connection waits no more", async () => {
  await using database = await emptyDatabase();
  await expect(sql`select 1`.execute(withSignal(database.db, AbortSignal.abort(gone)))).rejects.toBe(gone);
  const narrow = openDatabase({ url: database.url, logger: silent, poolSize: 1 });
  const call = new AbortController();
  await narrow.connection().execute(async () => {
    const waiting = sql`select 1`.execute(withSignal(narrow, call.signal));
    call.abort(gone);
    await expect(waiting).rejects.toBe(gone);
  });
  await ping(narrow);
  await narrow.destroy();
});

test("a cancellation hits no later statement of the same connection", async () => {
  await using database = await emptyDatabase();
  const db = openDatabase({ url: database.url, logger: silent, poolSize: 1 });
  for (let round = 0; round < 100; round++) {
    const call = new AbortController();
    // Sometimes before, sometimes after the statement has ended.
    setImmediate(() => call.abort(gone));
    await sql`select pg_sleep(${(round % 5) / 5000})`.execute(withSignal(db, call.signal)).catch(() => {});
    await expect(sql`select pg_sleep(0.001)`.execute(db)).resolves.toBeDefined();
  }
  await db.destroy();
});

test("a signal that is no StatusError's comes as CANCELLED", async () => {
  await using database = await emptyDatabase();
  const work = sql`select 1`.execute(withSignal(database.db, AbortSignal.abort()));
  await expect(work).rejects.toMatchObject({ code: "CANCELLED" });
});

test("a transaction takes no other signal", async () => {
  await using database = await emptyDatabase();
  const { signal } = new AbortController();
  const work = database.db.transaction().execute(async (tx) => withSignal(tx, signal));
  await expect(work).rejects.toThrow(/a transaction keeps the signal/);
});
