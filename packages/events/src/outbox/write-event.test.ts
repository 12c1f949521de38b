import { randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
import { expect, test } from "vitest";
import { eventsDatabase, TYPE, userEvent } from "../events-fixture.ts";
import { createOutbox } from "./event-outbox.ts";
import { writeWithEvent } from "./write-event.ts";

interface Tables {
  people: { id: string; version: bigint };
}

/** A table whose versions are told, guarded as those of the services are. */
async function peopleDatabase() {
  const { db } = await eventsDatabase();
  await sql`create table people (id uuid primary key, version bigint not null)`.execute(db);
  await sql`create constraint trigger told after insert or update on people deferrable initially deferred
    for each row execute function check_event(${sql.lit(TYPE)})`.execute(db);
  return { db: db as unknown as Kysely<Tables>, outbox: createOutbox({ db }) };
}

test("36: a change and its event are one statement, and the changed row comes back", async () => {
  const { db, outbox } = await peopleDatabase();
  const id = randomUUID();
  const insert = db.insertInto("people").values({ id, version: 1n }).returningAll();
  await expect(writeWithEvent(db, insert, userEvent(id))).resolves.toEqual({ id, version: 1n });
  await expect(outbox.claim(10)).resolves.toMatchObject([{ aggregateId: id, version: 1n, type: TYPE }]);
});

test("36: what changes nothing tells nothing", async () => {
  const { db, outbox } = await peopleDatabase();
  const id = randomUUID();
  const update = db.updateTable("people").set({ version: 2n }).where("id", "=", id).returningAll();
  await expect(writeWithEvent(db, update, userEvent(id, 2n))).resolves.toBeUndefined();
  await expect(outbox.claim(10)).resolves.toEqual([]);
});

test("36: a version without its event is refused when its transaction ends, whatever code made it", async () => {
  const { db } = await peopleDatabase();
  const insert = db.insertInto("people").values({ id: randomUUID(), version: 1n }).execute();
  await expect(insert).rejects.toThrow(/has no event/);
});
