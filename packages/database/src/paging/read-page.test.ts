import { type Kysely, sql } from "kysely";
import { expect, test } from "vitest";
import { emptyDatabase } from "../database-fixture.ts";
import type { Page } from "./paging.ts";
import { readPage } from "./read-page.ts";

interface Tables {
  note: { id: string; author: string };
}

const idOf = (number: number) => `0197a000-0000-7000-8000-${String(number).padStart(12, "0")}`;

async function notes() {
  const database = await emptyDatabase();
  await sql`create table note (id uuid primary key, author text not null)`.execute(database.db);
  const db = database.db as unknown as Kysely<Tables>;
  const add = (number: number, author = "ada") =>
    db
      .insertInto("note")
      .values({ id: idOf(number), author })
      .execute();
  const remove = (number: number) => db.deleteFrom("note").where("id", "=", idOf(number)).execute();
  const list = (page: Page) => readPage(db.selectFrom("note").selectAll().where("author", "=", "ada"), page);
  return { ...database, add, remove, list };
}

test("newest first, and the last page has no next one, also when it is full", async () => {
  await using database = await notes();
  for (const number of [1, 2, 3, 4]) await database.add(number);
  await database.add(5, "bob");
  const first = await database.list({ size: 2 });
  expect(first).toEqual({ items: [4, 3].map((n) => ({ id: idOf(n), author: "ada" })), lastId: idOf(3) });
  const second = await database.list({ size: 2, beforeId: first.lastId });
  expect(second).toEqual({ items: [2, 1].map((n) => ({ id: idOf(n), author: "ada" })) });
});

test("45: rows that come and go between pages make no other row appear twice or not at all", async () => {
  await using database = await notes();
  for (let number = 10; number < 40; number++) await database.add(number);
  const seen: string[] = [];
  let page: Page | undefined = { size: 4 };
  for (let round = 0; page; round++) {
    const { items, lastId }: { items: readonly { id: string }[]; lastId?: string | undefined } =
      await database.list(page);
    seen.push(...items.map(({ id }) => id));
    await database.add(100 + round);
    // The row on which the next page hangs goes as well.
    await database.remove(36 - 4 * round);
    page = lastId === undefined ? undefined : { size: 4, beforeId: lastId };
  }
  expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => idOf(39 - index)));
});

test("the id's column can be named where a join makes it ambiguous", async () => {
  await using database = await notes();
  for (const number of [1, 2, 3]) await database.add(number);
  const db = database.db as unknown as Kysely<Tables>;
  const query = db.selectFrom("note").innerJoin("note as same", "same.id", "note.id").select("note.id");
  const { items } = await readPage(query, { size: 5, beforeId: idOf(3) }, "note.id");
  expect(items).toEqual([{ id: idOf(2) }, { id: idOf(1) }]);
});
