import { randomUUID } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import * as userv1 from "@tenon/contracts/user/v1";
import { StatusError } from "@tenon/errors";
import { createLogger } from "@tenon/logger";
import { type Kysely, sql } from "kysely";
import { expect, test } from "vitest";
import type { NewEvent } from "../event-message.ts";
import { eventsDatabase, silent, TYPE, toUserEvent, userEvent } from "../events-fixture.ts";
import { createInbox, type EventOutcome, subscription } from "./event-inbox.ts";

/** An inbox whose effect is a row for each event, and fails where the test says so. */
async function inboxRig({ maxAttempts = 3, logger = silent } = {}) {
  const { db } = await eventsDatabase();
  await sql`create table effects (aggregate_id uuid, version bigint)`.execute(db);
  const outcomes: EventOutcome[] = [];
  const rig = { fails: (_event: userv1.UserEvent): unknown => undefined };
  const effectOf = (event: userv1.UserEvent) => async (tx: Kysely<Record<never, never>>) => {
    await sql`insert into effects values (${event.aggregateId}, ${event.version})`.execute(tx);
    const failure = rig.fails(event);
    if (failure) throw failure;
  };
  const inbox = createInbox({
    db,
    subscriptions: [subscription(userv1.UserEventSchema, effectOf)],
    logger,
    maxAttempts,
    onOutcome: (_type, outcome) => outcomes.push(outcome),
  });
  return Object.assign(rig, {
    db,
    inbox,
    outcomes,
    receive: ({ type, message }: NewEvent) => inbox.receive(type, message),
    async effects(): Promise<bigint[]> {
      const { rows } = await sql<{ version: bigint }>`select version from effects order by version`.execute(db);
      return rows.map(({ version }) => version);
    },
    async failed() {
      const { rows } = await sql<{ attempts: number; error: string; dead: boolean }>`
        select attempts, error, next_attempt_at is null as dead from failed_events`.execute(db);
      return rows;
    },
    /** The time of every failed event has come. */
    passDelays: () =>
      sql`update failed_events set next_attempt_at = now() where next_attempt_at is not null`.execute(db),
  });
}

test("37: an event that comes again and again, and at once, has one effect", async () => {
  const { receive, effects, outcomes } = await inboxRig();
  const event = userEvent();
  await Promise.all(Array.from({ length: 20 }, () => receive(event)));
  await receive(event);
  await expect(effects()).resolves.toEqual([1n]);
  expect(outcomes.filter((outcome) => outcome === "applied")).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === "known")).toHaveLength(20);
});

test("38: a version that was overtaken has no effect any more, and no gap is waited for", async () => {
  const { receive, effects, outcomes } = await inboxRig();
  const id = randomUUID();
  for (const version of [1n, 4n, 3n, 2n, 5n]) await receive(userEvent(id, version));
  await expect(effects()).resolves.toEqual([1n, 4n, 5n]);
  expect(outcomes).toEqual(["applied", "applied", "known", "known", "applied"]);
});

test("38: versions that come at once end with the last one", async () => {
  const { db, receive } = await inboxRig();
  const id = randomUUID();
  await Promise.all([3n, 1n, 5n, 2n, 4n].map((version) => receive(userEvent(id, version))));
  const { rows } = await sql`select version from inbox`.execute(db);
  expect(rows).toEqual([{ version: 5n }]);
});

test("37: an effect that fails leaves nothing, and has its effect once it succeeds", async () => {
  const rig = await inboxRig();
  rig.fails = () => new Error("not now");
  const event = userEvent();
  await rig.receive(event);
  await expect(rig.effects()).resolves.toEqual([]);
  await expect(rig.failed()).resolves.toEqual([{ attempts: 1, error: "Error", dead: false }]);
  await expect(rig.inbox.retryFailed()).resolves.toBe(0);

  rig.fails = () => undefined;
  await rig.passDelays();
  await expect(rig.inbox.retryFailed()).resolves.toBe(1);
  await expect(rig.effects()).resolves.toEqual([1n]);
  await expect(rig.failed()).resolves.toEqual([]);
  expect(rig.outcomes).toEqual(["failed", "applied"]);
});

for (const [failure, kept] of [
  [new Error("ada@example.com is taken"), "Error"],
  [new StatusError("FAILED_PRECONDITION", "ada@example.com is taken"), "StatusError FAILED_PRECONDITION"],
  [new StatusError("ABORTED", "ada@example.com", { reason: "ETAG_MISMATCH" }), "StatusError ETAG_MISMATCH"],
  [Object.assign(new TypeError("ada@example.com"), { code: "23505" }), "TypeError 23505"],
  [Object.assign(new Error("ada@example.com"), { code: "ada@example.com" }), "Error"],
] as const) {
  test(`59: of a failure its kind is kept, nothing that somebody wrote: ${kept}`, async () => {
    const rig = await inboxRig();
    rig.fails = () => failure;
    await rig.receive(userEvent());
    await expect(rig.failed()).resolves.toEqual([{ attempts: 1, error: kept, dead: false }]);
  });
}

test("40: an event that always fails is a dead letter after its attempts, and holds nobody up", async () => {
  const rig = await inboxRig({ maxAttempts: 3 });
  const poison = userEvent();
  rig.fails = ({ id }) => (id === poison.eventId ? new Error("never") : undefined);
  await rig.receive(poison);
  for (let attempt = 2; attempt <= 3; attempt++) {
    await rig.receive(userEvent());
    await rig.passDelays();
    await rig.inbox.retryFailed();
  }
  await expect(rig.failed()).resolves.toEqual([{ attempts: 3, error: "Error", dead: true }]);
  await rig.passDelays();
  await expect(rig.inbox.retryFailed()).resolves.toBe(0);
  expect(rig.outcomes).toEqual(["failed", "applied", "failed", "applied", "dead"]);
});

test("40: later versions of what is a dead letter take effect", async () => {
  const rig = await inboxRig({ maxAttempts: 1 });
  const id = randomUUID();
  rig.fails = ({ version }) => (version === 1n ? new Error("never") : undefined);
  await rig.receive(userEvent(id, 1n));
  await rig.receive(userEvent(id, 2n));
  await expect(rig.effects()).resolves.toEqual([2n]);
});

test("40: dead letters that are redriven are tried again, and may be redriven again", async () => {
  const rig = await inboxRig({ maxAttempts: 1 });
  rig.fails = () => new Error("a fault of ours");
  await rig.receive(userEvent());
  await rig.receive(userEvent());
  rig.fails = () => undefined;
  const letter = { type: TYPE, error: "Error" };
  await expect(Array.fromAsync(rig.inbox.redrive())).resolves.toMatchObject([letter, letter]);
  await expect(rig.inbox.retryFailed()).resolves.toBe(2);
  await expect(rig.effects()).resolves.toEqual([1n, 1n]);
  await expect(rig.failed()).resolves.toEqual([]);
  await expect(Array.fromAsync(rig.inbox.redrive())).resolves.toEqual([]);
});

test("40: a dead letter that is told again stays one", async () => {
  const rig = await inboxRig({ maxAttempts: 2 });
  rig.fails = () => new Error("never");
  const event = userEvent();
  await rig.receive(event);
  await rig.passDelays();
  await rig.inbox.retryFailed();
  await expect(rig.failed()).resolves.toEqual([{ attempts: 2, error: "Error", dead: true }]);
  // By a sender who knows nothing of earlier attempts.
  await rig.receive(event);
  await expect(rig.failed()).resolves.toEqual([{ attempts: 3, error: "Error", dead: true }]);
  await rig.passDelays();
  await expect(rig.inbox.retryFailed()).resolves.toBe(0);
});

const changed = (fields: Partial<userv1.UserEvent>) =>
  toBinary(userv1.UserEventSchema, { ...toUserEvent(userEvent()), ...fields });

for (const [what, message] of [
  ["bytes that are no message", Uint8Array.of(255, 255, 255)],
  ["nothing", new Uint8Array()],
  ["an event without an aggregate", changed({ aggregateId: "" })],
  ["an event of no version", changed({ version: 0n })],
] as const) {
  test(`40: ${what}: a dead letter at once, however often`, async () => {
    const { inbox, failed, effects } = await inboxRig();
    await inbox.receive(TYPE, message);
    await inbox.receive(TYPE, message);
    const error = "StatusError VALIDATION_FAILED";
    await expect(failed()).resolves.toEqual([{ attempts: 2, error, dead: true }]);
    await expect(effects()).resolves.toEqual([]);
  });
}

test("what is logged of an event names the trace that it was written in", async () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const rig = await inboxRig({ maxAttempts: 2, logger: createLogger({ name: "order", destination }) });
  rig.fails = () => new Error("no");
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const event = toUserEvent(userEvent());
  event.traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  await rig.receive({ ...userEvent(), message: toBinary(userv1.UserEventSchema, event) });
  await rig.passDelays();
  await rig.inbox.retryFailed();
  expect(lines).toMatchObject([
    { trace_id: traceId, event_id: event.id, msg: "the effect of an event failed and is tried again" },
    { trace_id: traceId, event_id: event.id, msg: "an event is a dead letter" },
  ]);
});

test("an event from the future counts by its version, not by its time", async () => {
  const { receive, effects } = await inboxRig();
  const id = randomUUID();
  await receive(userEvent(id, 9_007_199_254_740_993n));
  await receive(userEvent(id, 9_007_199_254_740_992n));
  await expect(effects()).resolves.toEqual([9_007_199_254_740_993n]);
});

test("an event that nobody listens to is refused", async () => {
  const { inbox } = await inboxRig();
  const refused = { code: "INVALID_ARGUMENT", reason: "EVENT_UNKNOWN" };
  await expect(inbox.receive("order.v1.OrderEvent", new Uint8Array())).rejects.toMatchObject(refused);
});

test("36: while the database is not there the sender keeps the event", async () => {
  const rig = await inboxRig();
  rig.fails = () => new StatusError("UNAVAILABLE", "the database is starting");
  const event = userEvent();
  await expect(rig.receive(event)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(rig.failed()).resolves.toEqual([]);
  rig.fails = () => undefined;
  await rig.receive(event);
  await expect(rig.effects()).resolves.toEqual([1n]);
});
