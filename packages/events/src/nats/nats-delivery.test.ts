import { randomUUID } from "node:crypto";
import * as userv1 from "@tenon/contracts/user/v1";
import { createListener } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { Registry } from "prom-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { createTally, eventsDatabase, silent, TYPE, userEvent, write } from "../events-fixture.ts";
import { createInbox, type EventOutcome, subscription } from "../inbox/event-inbox.ts";
import { createOutbox } from "../outbox/event-outbox.ts";
import { createPublishing, OUTBOX_CHANNEL } from "../publishing.ts";
import { streamOf } from "./event-stream.ts";
import { createNatsConnection } from "./nats-connection.ts";
import { hasNats, startNats } from "./nats-fixture.ts";
import { createNatsPublisher } from "./nats-publisher.ts";
import { createNatsSubscriber } from "./nats-subscriber.ts";

function connection(url: string) {
  const made = createNatsConnection({ url, name: "test", timeoutMs: 2000 });
  onTestFinished(() => made.close());
  return made;
}

/** A service with an outbox and its relay to the broker. */
async function publisher(url: string) {
  const { db, url: databaseUrl } = await eventsDatabase();
  const listener = createListener({ url: databaseUrl, channels: [OUTBOX_CHANNEL], logger: silent });
  const outbox = createOutbox({ db });
  const nats = connection(url);
  const workers = createPublishing({
    db,
    listener,
    types: [userv1.UserEventSchema],
    nats,
    subscribers: [],
    logger: silent,
    registry: new Registry(),
  });
  for (const worker of workers) worker.start();
  onTestFinished(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await listener.close();
  });
  return { db, outbox, nats };
}

/** A service that listens, with `replicas` that share a database. */
async function subscriber(url: string, { replicas = 1, name = "order" } = {}) {
  const { db } = await eventsDatabase();
  const applied = createTally<userv1.UserEvent>();
  const outcomes = createTally<EventOutcome>();
  const attempts = createTally<void>();
  const rig = { applied, outcomes, attempts, failure: undefined as unknown };
  const effectOf = (event: userv1.UserEvent) => async () => {
    attempts.note();
    if (rig.failure) throw rig.failure;
    applied.note(event);
  };
  const inbox = createInbox({
    db,
    subscriptions: [
      subscription<Record<never, never>, typeof userv1.UserEventSchema>(userv1.UserEventSchema, effectOf),
    ],
    logger: silent,
    maxAttempts: 1,
    onOutcome: (_type, outcome) => outcomes.note(outcome),
  });
  const workers = Array.from({ length: replicas }, () =>
    createNatsSubscriber({ connection: connection(url), inbox, name, logger: silent, longestPauseMs: 200 }),
  );
  for (const worker of workers) worker.start();
  onTestFinished(() => Promise.all(workers.map((worker) => worker.stop())).then(() => {}));
  return Object.assign(rig, { inbox });
}

/** A server is started, and comes back after its clients have noticed that it was gone. */
const TIMEOUT_MS = 45_000;

describe.skipIf(!hasNats)("where nats-server is installed", { timeout: TIMEOUT_MS }, () => {
  test("36, 38: what is committed is told through JetStream, each version after the one before it", async () => {
    const nats = await startNats();
    const order = await subscriber(nats.url, { replicas: 2 });
    const { db } = await publisher(nats.url);
    const ids = Array.from({ length: 20 }, () => randomUUID());
    for (const version of [1n, 2n, 3n]) await write(db, ...ids.map((id) => userEvent(id, version)));
    const last = ids.map((id) => `${id} 3`);
    const told = () => new Set(order.applied.noted.map(({ aggregateId, version }) => `${aggregateId} ${version}`));
    await expect.poll(() => last.filter((each) => !told().has(each)), { timeout: 20_000 }).toEqual([]);
    for (const id of ids) {
      const versions = order.applied.noted
        .filter(({ aggregateId }) => aggregateId === id)
        .map(({ version }) => version);
      expect(versions).toEqual([...versions].sort());
    }
  });

  test("39: a broker that lost everything is filled again from the outbox, and nothing has a second effect", async () => {
    const nats = await startNats();
    const { db } = await publisher(nats.url);
    const first = await subscriber(nats.url);
    const events = Array.from({ length: 20 }, () => userEvent());
    await write(db, ...events);
    await first.applied.reached(20);

    await nats.kill();
    await nats.wipe();
    const meanwhile = userEvent();
    await write(db, meanwhile);
    await nats.start();

    await first.applied.reached(21);
    await first.outcomes.reached(41);
    expect(first.applied.noted).toHaveLength(21);
    // One that has never heard of anything gets all of it.
    const newcomer = await subscriber(nats.url, { name: "newcomer" });
    expect((await newcomer.applied.reached(21)).length).toBe(21);
  });

  test("39: a stream that is deleted under a running broker is filled again, once there is something to tell", async () => {
    const nats = await startNats();
    const { db, nats: used } = await publisher(nats.url);
    const order = await subscriber(nats.url);
    await write(db, userEvent());
    await order.applied.reached(1);
    const { manager } = await used.use();
    await manager.streams.delete(streamOf(TYPE));
    await write(db, userEvent());
    await order.applied.reached(2);
    await order.outcomes.reached(3);
    expect(order.outcomes.noted.filter((outcome) => outcome === "applied")).toHaveLength(2);
  });

  test("39: a stream that is deleted is noticed also while there is nothing to tell", async () => {
    const nats = await startNats();
    const { db, nats: used, outbox } = await publisher(nats.url);
    const order = await subscriber(nats.url);
    await write(db, userEvent());
    await order.applied.reached(1);
    const { manager } = await used.use();
    await manager.streams.delete(streamOf(TYPE));
    await createNatsPublisher({ connection: used, onStreamMissing: () => Array.fromAsync(outbox.replay()) }).keepStream(
      TYPE,
    );
    await expect(order.outcomes.reached(2)).resolves.toEqual(["applied", "known"]);
  });

  test("37, 42: what is told again, however long after, has no second effect", async () => {
    const nats = await startNats();
    const { db, outbox } = await publisher(nats.url);
    const order = await subscriber(nats.url);
    await write(db, userEvent(), userEvent());
    await order.applied.reached(2);
    // The broker keeps no repetition out, as it would not after its window: they arrive, and only the inbox knows them.
    await expect.poll(() => outbox.oldestUnpublishedMs(), { timeout: 5000 }).toBe(0);
    await Array.fromAsync(outbox.replay());
    await order.outcomes.reached(4);
    expect([...order.outcomes.noted].sort()).toEqual(["applied", "applied", "known", "known"]);
  });

  test("25: a broker that is killed and comes back delivers everything, without anybody's help", async () => {
    const nats = await startNats();
    const { db } = await publisher(nats.url);
    const order = await subscriber(nats.url);
    await write(db, userEvent());
    await order.applied.reached(1);
    for (let kill = 0; kill < 3; kill++) {
      await nats.kill();
      await write(db, ...Array.from({ length: 5 }, () => userEvent()));
      await nats.start();
    }
    await order.applied.reached(16);
    expect(new Set(order.applied.noted.map(({ id }) => id)).size).toBe(16);
  });

  test("63: a service starts with the broker down, and tells once it is up", async () => {
    const nats = await startNats();
    await nats.kill();
    const { db } = await publisher(nats.url);
    const order = await subscriber(nats.url);
    await write(db, userEvent());
    await nats.start();
    await order.applied.reached(1);
    expect(order.applied.noted).toHaveLength(1);
  });

  test("40: a poisoned event is a dead letter, others go on, and it has its effect once it is redriven", async () => {
    const nats = await startNats();
    const { db } = await publisher(nats.url);
    const order = await subscriber(nats.url);
    order.failure = new Error("a fault of ours");
    await write(db, userEvent());
    await order.outcomes.reached(1);
    order.failure = undefined;
    await write(db, userEvent());
    await order.applied.reached(1);
    await expect(order.outcomes.reached(2)).resolves.toEqual(["dead", "applied"]);
    await expect(Array.fromAsync(order.inbox.redrive())).resolves.toMatchObject([{ type: TYPE, error: "Error" }]);
    // Here, unless the subscriber's own worker was first.
    await order.inbox.retryFailed();
    await order.applied.reached(2);
  });

  test("36: while its database is not there a subscriber leaves events with the broker", async () => {
    const nats = await startNats();
    const { db } = await publisher(nats.url);
    const order = await subscriber(nats.url);
    order.failure = new StatusError("UNAVAILABLE", "the database is starting");
    await write(db, userEvent());
    await order.attempts.reached(2);
    expect(order.outcomes.noted).toEqual([]);
    order.failure = undefined;
    await expect(order.outcomes.reached(1)).resolves.toEqual(["applied"]);
  });
});
