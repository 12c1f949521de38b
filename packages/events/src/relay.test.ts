import { randomUUID } from "node:crypto";
import { createListener } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { createTally, eventsDatabase, silent, userEvent, write } from "./events-fixture.ts";
import { createOutbox, type Outbox, type OutboxEvent } from "./outbox/event-outbox.ts";
import type { Publisher } from "./publisher.ts";
import { createRelay, type RelayOptions } from "./relay.ts";

const unreachable = () => new StatusError("UNAVAILABLE", "nobody there");

/** Relays on one outbox, which begin when they are told to, and hear of new events from PostgreSQL alone. */
async function relays(
  publish: Publisher["publish"],
  { count = 1, postpone, ...options }: Partial<RelayOptions> & { count?: number; postpone?: Outbox["postpone"] } = {},
) {
  const { db, url } = await eventsDatabase();
  const real = createOutbox({ db });
  const outbox = { ...real, postpone: postpone ?? real.postpone };
  const published = createTally<OutboxEvent>();
  const listener = createListener({ url, channels: ["outbox"], logger: silent });
  const all = Array.from({ length: count }, () =>
    createRelay({
      outbox,
      publisher: { publish },
      onDue: (wake) => listener.subscribe("outbox", { onNotify: wake, onGap: wake }),
      logger: silent,
      onPublished: published.note,
      pollMs: 60_000,
      longestPauseMs: 1,
      ...options,
    }),
  );
  onTestFinished(async () => {
    await Promise.all(all.map((relay) => relay.stop()));
    await listener.close();
  });
  const start = () => {
    for (const relay of all) relay.start();
  };
  return { db, outbox, published, start };
}

test("tells events that are written while it runs, as soon as their transactions end", async () => {
  const { db, published, start } = await relays(async () => {});
  start();
  await write(db, userEvent());
  await published.reached(1);
  await db.transaction().execute((tx) => write(tx, userEvent(), userEvent()));
  await expect(published.reached(3)).resolves.toHaveLength(3);
});

test("38, 41: relays of several replicas tell each event once, versions in their order", async () => {
  const { db, published, start } = await relays(async () => {}, { count: 3, batch: 4 });
  const ids = Array.from({ length: 12 }, () => randomUUID());
  for (const version of [1n, 2n, 3n, 4n]) await write(db, ...ids.map((id) => userEvent(id, version)));
  start();
  const told = await published.reached(48);
  for (const id of ids) {
    expect(told.filter(({ aggregateId }) => aggregateId === id).map(({ version }) => version)).toEqual([
      1n,
      2n,
      3n,
      4n,
    ]);
  }
});

test("36: while nobody can be reached everything is kept, and told once somebody can", async () => {
  const failures = createTally<void>();
  let down = true;
  const { db, published, start } = await relays(async () => {
    if (!down) return;
    failures.note();
    throw unreachable();
  });
  const events = Array.from({ length: 100 }, () => userEvent());
  await write(db, ...events);
  start();
  await failures.reached(30);
  expect(published.noted).toEqual([]);
  down = false;
  const told = await published.reached(100);
  expect(new Set(told.map(({ eventId }) => eventId)).size).toBe(100);
});

test("29: while nobody can be reached attempts are few, however much waits", async () => {
  const attempts = createTally<void>();
  const { db, start } = await relays(
    async () => {
      attempts.note();
      throw unreachable();
    },
    { longestPauseMs: 60_000, random: () => 0, concurrency: 4 },
  );
  await write(db, ...Array.from({ length: 200 }, () => userEvent()));
  start();
  // The first round, and after 100 ms the second one.
  await attempts.reached(8);
  expect(attempts.noted).toHaveLength(8);
});

test("40: an event that is refused does not hold others up", async () => {
  const poison = userEvent();
  const { db, outbox, published, start } = await relays(async ({ eventId }) => {
    if (eventId === poison.eventId) throw new StatusError("INVALID_ARGUMENT", "no");
  });
  await write(db, poison, ...Array.from({ length: 20 }, () => userEvent()));
  start();
  await expect(published.reached(20)).resolves.toHaveLength(20);
  await expect(outbox.oldestUnpublishedMs()).resolves.toBeGreaterThan(0);
});

test("what was told is marked, also where a refused event cannot be put off", async () => {
  const refused = userEvent();
  const { db, start } = await relays(
    async ({ eventId }) => {
      if (eventId === refused.eventId) throw new StatusError("INVALID_ARGUMENT", "no");
    },
    { postpone: () => Promise.reject(unreachable()) },
  );
  await write(db, refused, userEvent(), userEvent());
  start();
  const unmarked = async () => (await sql`select 1 from outbox where published_at is null`.execute(db)).rows.length;
  await expect.poll(unmarked, { timeout: 20_000 }).toBe(1);
}, 30_000);

test("an event that nobody takes in time is told again", async () => {
  let attempts = 0;
  const { db, published, start } = await relays(
    async (_event, signal) => {
      attempts += 1;
      if (attempts > 1) return;
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(unreachable())));
    },
    { publishTimeoutMs: 20 },
  );
  await write(db, userEvent());
  start();
  await published.reached(1);
  expect(attempts).toBe(2);
});

test("stops with what it has begun, and leaves the rest to others at once", async () => {
  const begun = createTally<void>();
  const end = Promise.withResolvers<void>();
  const { db, url } = await eventsDatabase();
  const outbox = createOutbox({ db });
  await write(db, ...Array.from({ length: 10 }, () => userEvent()));
  const publish = async () => {
    begun.note();
    await end.promise;
  };
  const relay = createRelay({ outbox, publisher: { publish }, onDue: () => () => {}, logger: silent, concurrency: 2 });
  relay.start();
  await begun.reached(2);
  const stopped = relay.stop();
  end.resolve();
  await stopped;
  expect(begun.noted).toHaveLength(2);
  await expect(outbox.claim(100)).resolves.toHaveLength(8);
  expect(url).toContain("test_");
});
