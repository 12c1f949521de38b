import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { eventsDatabase, userEvent, write } from "../events-fixture.ts";
import { createOutbox, type Outbox } from "./event-outbox.ts";

const idsOf = (events: readonly { eventId: string }[]) => events.map(({ eventId }) => eventId);

/** Claims and publishes until nothing is left, and tells what, in order. */
async function drain(outbox: Outbox, limit = 10): Promise<string[]> {
  const ids: string[] = [];
  for (let events = await outbox.claim(limit); events.length > 0; events = await outbox.claim(limit)) {
    await outbox.markPublished(events);
    ids.push(...idsOf(events));
  }
  return ids;
}

test("36: a transaction that is rolled back has no event", async () => {
  const { db } = await eventsDatabase();
  const undone = db.transaction().execute(async (tx) => {
    await write(tx, userEvent());
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  await expect(createOutbox({ db }).claim(10)).resolves.toEqual([]);
});

test("36: a version has one event", async () => {
  const { db } = await eventsDatabase();
  const event = userEvent();
  await write(db, event);
  await expect(write(db, event)).rejects.toThrow(/outbox_once/);
});

test("41: an event that commits after a later one was published is not missed", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  const [slow, quick] = [userEvent(), userEvent()];
  const written = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  const slowly = db.transaction().execute(async (tx) => {
    await write(tx, slow);
    written.resolve();
    await commit.promise;
  });
  await written.promise;
  await write(db, quick);
  await expect(drain(outbox)).resolves.toEqual([quick.eventId]);
  commit.resolve();
  await slowly;
  await expect(drain(outbox)).resolves.toEqual([slow.eventId]);
});

test("41: relays that look at once claim every event, and none twice", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  const events = Array.from({ length: 60 }, () => userEvent());
  await write(db, ...events);
  const claimed = (await Promise.all(Array.from({ length: 10 }, () => outbox.claim(10)))).flat();
  claimed.push(...(await outbox.claim(100)));
  expect(idsOf(claimed).sort()).toEqual(idsOf(events).sort());
});

test("41: a relay that looks while another one claims gets other events, and none of his", async () => {
  const { db } = await eventsDatabase();
  await write(db, ...Array.from({ length: 4 }, () => userEvent()));
  const [theirs, looking] = await db.transaction().execute(async (tx) => {
    const first = await createOutbox({ db: tx }).claim(2);
    const second = createOutbox({ db }).claim(4);
    // It has come to what is claimed: it answers without it, or waits for this transaction.
    const waiting = sql`select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))`;
    await Promise.race([second, expect.poll(async () => (await waiting.execute(tx)).rows.length).toBe(1)]);
    return [first, second] as const;
  });
  const mine = await looking;
  expect([theirs.length, mine.length]).toEqual([2, 2]);
  expect(idsOf(mine).filter((id) => idsOf(theirs).includes(id))).toEqual([]);
});

test("41: commits at once, some undone, leave exactly what was committed", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  const committed: string[] = [];
  const writing = Array.from({ length: 50 }, async (_, index) => {
    const event = userEvent();
    const change = db.transaction().execute(async (tx) => {
      await write(tx, event);
      if (index % 5 === 0) throw new Error("undone");
    });
    await change.then(
      () => committed.push(event.eventId),
      () => {},
    );
  });
  const published = await drain(outbox, 3);
  await Promise.all(writing);
  published.push(...(await drain(outbox, 3)));
  expect(published.sort()).toEqual(committed.sort());
  expect(committed).toHaveLength(40);
});

test("38: a version is claimed once the one before it is published", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  const id = randomUUID();
  const [first, second, other] = [userEvent(id, 1n), userEvent(id, 2n), userEvent()];
  await write(db, first, second, other);
  const claimed = await outbox.claim(10);
  expect(idsOf(claimed)).toEqual([first.eventId, other.eventId]);
  await expect(outbox.claim(10)).resolves.toEqual([]);
  await outbox.markPublished(claimed);
  expect(idsOf(await outbox.claim(10))).toEqual([second.eventId]);
});

test("38: a version that was refused holds back its aggregate only", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  const id = randomUUID();
  await write(db, userEvent(id, 1n), userEvent(id, 2n));
  const [refused] = await outbox.claim(10);
  await outbox.postpone(refused as NonNullable<typeof refused>, 60_000);
  const other = userEvent();
  await write(db, other);
  await expect(drain(outbox)).resolves.toEqual([other.eventId]);
});

test("an event whose claimant died is claimed again, and released ones at once", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  const event = userEvent();
  await write(db, event);
  await outbox.claim(10);
  await expect(outbox.claim(10)).resolves.toEqual([]);
  await sql`update outbox set next_attempt_at = now()`.execute(db);
  const [again] = await outbox.claim(10);
  expect(again).toMatchObject({ eventId: event.eventId, attempts: 2 });
  expect(Buffer.from(again?.message ?? [])).toEqual(Buffer.from(event.message));
  await outbox.release(again ? [again] : []);
  await expect(outbox.claim(10)).resolves.toMatchObject([{ attempts: 2 }]);
});

test("39: a replay has everything told again, oldest versions first, and may be repeated", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  const id = randomUUID();
  const events = [userEvent(id, 1n), userEvent(), userEvent(id, 2n), userEvent(id, 3n)];
  await write(db, ...events);
  const told = await drain(outbox, 1);
  await expect(Array.fromAsync(outbox.replay({ batch: 2 }))).resolves.toEqual([2, 4]);
  // What waits already need not be asked for.
  await expect(Array.fromAsync(outbox.replay())).resolves.toEqual([0]);
  await expect(drain(outbox, 1)).resolves.toEqual(told);
});

test("41: what was published long ago is deleted in batches, what waits never", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  await write(db, ...Array.from({ length: 5 }, () => userEvent()));
  await drain(outbox);
  await sql`update outbox set published_at = now() - interval '8 days'`.execute(db);
  const [recent, waiting] = [userEvent(), userEvent()];
  await write(db, recent);
  await drain(outbox);
  await write(db, waiting);
  await sql`update outbox set queued_at = now() - interval '9 days' where published_at is null`.execute(db);
  await expect(outbox.deletePublished({ keepMs: 7 * 86_400_000, batch: 2 })).resolves.toBe(5);
  const { rows } = await sql<{ id: string }>`select event_id as id from outbox order by position`.execute(db);
  expect(rows.map(({ id }) => id)).toEqual([recent.eventId, waiting.eventId]);
  await expect(outbox.oldestUnpublishedMs()).resolves.toBeGreaterThan(8 * 86_400_000);
});

test("an outbox in which all is published has no oldest event", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  await write(db, userEvent());
  await drain(outbox);
  await expect(outbox.oldestUnpublishedMs()).resolves.toBe(0);
});

test("39: what was told before a replay, and is marked after it, is told again", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  const event = userEvent();
  await write(db, event);
  const lost = await outbox.claim(10);
  await Array.fromAsync(outbox.replay());
  await outbox.markPublished(lost);
  await expect(drain(outbox)).resolves.toEqual([event.eventId]);
  const again = await outbox.claim(10, lost);
  expect(again).toEqual([]);
});

test("39: a replay between claim and release leaves that claim nothing to mark", async () => {
  const { db } = await eventsDatabase();
  const outbox = createOutbox({ db });
  await write(db, userEvent());
  const stale = await outbox.claim(10);
  await Array.fromAsync(outbox.replay());
  const fresh = await outbox.claim(10);
  await outbox.release(stale);
  await expect(outbox.claim(10)).resolves.toEqual([]);
  await outbox.markPublished(fresh);
  await expect(drain(outbox)).resolves.toEqual([]);
});

test("what it takes to tell an event does not grow with the backlog, also where the planner has never seen one", async () => {
  const { db } = await eventsDatabase();
  const fill = (count: number, publishedAt: Date | null) =>
    sql`
      insert into outbox (event_id, type, aggregate_id, version, message, published_at)
      select gen_random_uuid(), 'user.v1.UserEvent', gen_random_uuid(), 1, '', ${publishedAt}
      from generate_series(1, ${count}::int)`.execute(db);
  await fill(1000, new Date());
  await sql`analyze outbox`.execute(db);
  await fill(3000, null);
  const read = await db.transaction().execute(async (tx) => {
    const outbox = createOutbox({ db: tx });
    const claimed = await outbox.claim(10);
    expect(claimed).toHaveLength(10);
    await outbox.markPublished(claimed.slice(0, 5));
    await outbox.release(claimed.slice(5));
    const { rows } = await sql<{ rows: number }>`
      select (seq_tup_read + idx_tup_fetch)::int as rows from pg_stat_xact_user_tables where relname = 'outbox'`.execute(
      tx,
    );
    return rows[0]?.rows ?? 0;
  });
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(300);
});
