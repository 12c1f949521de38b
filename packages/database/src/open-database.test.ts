import { inspect } from "node:util";
import type { StatusError } from "@tenon/errors";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { emptyDatabase, eventually, running, silent } from "./database-fixture.ts";
import { openDatabase, ping, uniqueViolation } from "./index.ts";

const failureOf = (work: Promise<unknown>): Promise<StatusError> =>
  work.then(
    () => expect.fail("it did not fail"),
    (error) => error,
  );

test("integers of 64 bits are bigints, dates are text, instants are Dates", async () => {
  await using database = await emptyDatabase();
  const { rows } = await sql`select 9223372036854775807::bigint as big, array[1, null]::bigint[] as bigs,
    date '2026-02-28' as day, timestamptz '2026-01-01T00:00:00Z' as at, count(*) as n`.execute(database.db);
  expect(rows).toEqual([
    { big: 9223372036854775807n, bigs: [1n, null], day: "2026-02-28", at: new Date("2026-01-01T00:00:00Z"), n: 1n },
  ]);
});

test("an error tells which constraint was violated, and nothing of the row", async () => {
  await using database = await emptyDatabase();
  await sql`create table account (email text unique, hash text, age int constraint adult check (age > 17))`.execute(
    database.db,
  );
  const insert = (age: number) => sql`insert into account values ('ada@example.com', 'hunter2', ${age})`;
  await insert(36).execute(database.db);
  const [twice, child] = [
    await failureOf(insert(36).execute(database.db)),
    await failureOf(insert(7).execute(database.db)),
  ];
  expect(uniqueViolation(twice)).toBe("account_email_key");
  expect(child).toMatchObject({ constraint: "adult" });
  for (const error of [twice, child]) expect(inspect(error)).not.toMatch(/ada@|hunter2/);
});

test("a statement that takes too long is DEADLINE_EXCEEDED, a lock that does is ABORTED", async () => {
  await using database = await emptyDatabase();
  const hasty = openDatabase({ url: database.url, logger: silent, statementTimeoutMs: 100, lockTimeoutMs: 20 });
  const slow = await failureOf(sql`select pg_sleep(5)`.execute(hasty));
  expect(slow).toMatchObject({ code: "DEADLINE_EXCEEDED", reason: "STATEMENT_TIMEOUT" });
  const blocked = await database.db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(1)`.execute(tx);
    return failureOf(sql`select pg_advisory_xact_lock(1)`.execute(hasty));
  });
  expect(blocked).toMatchObject({ code: "ABORTED", reason: "LOCK_TIMEOUT" });
  await hasty.destroy();
});

test("two transactions that block each other: one is ABORTED, the other commits", async () => {
  await using database = await emptyDatabase();
  const inOrder = (first: number, second: number, met: PromiseWithResolvers<void>, meet: Promise<void>) =>
    database.db.transaction().execute(async (tx) => {
      await sql`select pg_advisory_xact_lock(${first})`.execute(tx);
      met.resolve();
      await meet;
      await sql`select pg_advisory_xact_lock(${second})`.execute(tx);
    });
  const a = Promise.withResolvers<void>();
  const b = Promise.withResolvers<void>();
  const outcomes = await Promise.allSettled([inOrder(1, 2, a, b.promise), inOrder(2, 1, b, a.promise)]);
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(failures).toMatchObject([{ code: "ABORTED", reason: "TRANSACTION_CONFLICT" }]);
});

test("a connection that is cut fails its statement with UNAVAILABLE, and the next one has another", async () => {
  await using database = await emptyDatabase();
  const cut = failureOf(sql`select pg_sleep(10)`.execute(database.db));
  await eventually(async () => (await running(database.db, "pg_sleep")) === 1);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%'
    and datname = current_database() and pid <> pg_backend_pid()`.execute(database.db);
  expect(await cut).toMatchObject({ code: "UNAVAILABLE", reason: "DATABASE_UNAVAILABLE" });
  await Promise.all(Array.from({ length: 20 }, () => ping(database.db)));
});

test("a connection that is cut while its transaction does nothing fails the transaction, not the process", async () => {
  await using database = await emptyDatabase();
  const failure = await failureOf(
    database.db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(database.db);
      await sql`select 1`.execute(tx);
    }),
  );
  expect(failure.code).toBe("UNAVAILABLE");
  await ping(database.db);
});

test("a database that is not there is UNAVAILABLE", async () => {
  const nowhere = openDatabase({ url: "postgres://nobody:secret@127.0.0.1:1/none", logger: silent });
  const failure = await failureOf(ping(nowhere));
  expect(failure).toMatchObject({ code: "UNAVAILABLE", message: "the database is unavailable" });
  await nowhere.destroy();
});

test("who waits too long for one of the pool's connections gets UNAVAILABLE", async () => {
  await using database = await emptyDatabase();
  const narrow = openDatabase({ url: database.url, logger: silent, poolSize: 1, connectTimeoutMs: 50 });
  // On a busy machine the first connection may take longer than that, too; once made it is kept.
  await eventually(() =>
    ping(narrow).then(
      () => true,
      () => false,
    ),
  );
  const failure = await narrow.connection().execute(() => failureOf(sql`select 1`.execute(narrow)));
  expect(failure.code).toBe("UNAVAILABLE");
  await ping(narrow);
  await narrow.destroy();
});

test("text that PostgreSQL cannot hold is the caller's INVALID_ARGUMENT", async () => {
  await using database = await emptyDatabase();
  const failure = await failureOf(sql`select ${"a\u0000b"}::text`.execute(database.db));
  expect(failure).toMatchObject({ code: "INVALID_ARGUMENT", reason: "TEXT_NOT_STORABLE" });
});

test("a violated constraint keeps its name for the rules, a wrong statement stays a bug", async () => {
  await using database = await emptyDatabase();
  await sql`create table person (email text constraint person_email_key unique)`.execute(database.db);
  const insert = () => sql`insert into person values ('ada')`.execute(database.db);
  await insert();
  expect(uniqueViolation(await failureOf(insert()))).toBe("person_email_key");
  const wrong = await failureOf(sql`select nothing from nowhere`.execute(database.db));
  expect(wrong.name).not.toBe("StatusError");
  expect(uniqueViolation(wrong)).toBeUndefined();
});

test("a database that takes no changes is UNAVAILABLE", async () => {
  await using database = await emptyDatabase();
  const failure = await failureOf(
    database.db
      .transaction()
      .setAccessMode("read only")
      .execute((tx) => sql`create table late (id int)`.execute(tx)),
  );
  expect(failure).toMatchObject({ code: "UNAVAILABLE", message: "the database takes no changes at present" });
});

test("a transaction in which an error was swallowed does not seem to commit", async () => {
  await using database = await emptyDatabase();
  const failure = await failureOf(
    database.db.transaction().execute((tx) => sql`select nothing`.execute(tx).catch(() => {})),
  );
  expect(failure.message).toMatch(/rolled back/);
});

for (const url of ["", "mysql://host/db", "postgres://[", "localhost:5432"]) {
  test(`refuses the URL "${url}" without repeating it`, () => {
    expect(() => openDatabase({ url, logger: silent })).toThrow(/^the database's URL is not of the form postgres:/);
  });
}
