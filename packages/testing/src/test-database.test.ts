import { databaseMigrations } from "@tenon/database";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { testDatabase } from "./test-database.ts";

const open = () => testDatabase({ migrations: [databaseMigrations] });

test("databases of the same migrations are migrated and have nothing in common", async () => {
  await using one = await open();
  await using other = await open();
  const insert = sql`insert into idempotency (principal, method, request_id, fingerprint, response, created_at, expires_at)
    values ('a', 'b', gen_random_uuid(), '', '', now(), now())`;
  await insert.execute(one.db);
  const count = async ({ db }: typeof one) => (await sql`select count(*) as n from idempotency`.execute(db)).rows;
  expect(await count(one)).toEqual([{ n: 1n }]);
  expect(await count(other)).toEqual([{ n: 0n }]);
});

test("their role is no superuser", async () => {
  await using database = await open();
  const { rows } = await sql`select rolsuper from pg_roles where rolname = current_user`.execute(database.db);
  expect(rows).toEqual([{ rolsuper: false }]);
});

test("a closed one is gone, and can be closed again", async () => {
  await using witness = await open();
  const database = await open();
  const name = new URL(database.url).pathname.slice(1);
  await database.close();
  await database.close();
  const { rows } = await sql`select from pg_database where datname = ${name}`.execute(witness.db);
  expect(rows).toEqual([]);
});
