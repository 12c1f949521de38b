import { randomUUID } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import * as userv1 from "@tenon/contracts/user/v1";
import { createLogger } from "@tenon/logger";
import { testDatabase } from "@tenon/testing";
import { type Kysely, sql } from "kysely";
import { onTestFinished } from "vitest";
import { type NewEvent, toEvent } from "./event-message.ts";
import { inboxMigrations, outboxMigrations } from "./event-migrations.ts";
import type { OutboxEvent } from "./outbox/event-outbox.ts";

export const TYPE = userv1.UserEventSchema.typeName;

export const silent = createLogger({ name: "test", level: "silent" });

/** A database with an outbox and an inbox. */
export async function eventsDatabase() {
  const database = await testDatabase<Record<never, never>>({ migrations: [outboxMigrations, inboxMigrations] });
  onTestFinished(() => database.close());
  return database;
}

/** A version of a user, as its event. */
export const userEvent = (
  aggregateId: string = randomUUID(),
  version = 1n,
  state: userv1.UserState = userv1.UserState.ACTIVE,
): NewEvent =>
  toEvent(
    userv1.UserEventSchema,
    { aggregateId, version, at: new Date("2026-01-02T03:04:05Z") },
    { user: { id: aggregateId, email: "ada@example.com", displayName: "Ada", state } },
  );

/** Writes events that belong to no change. */
export async function write(db: Kysely<Record<never, never>>, ...events: readonly NewEvent[]): Promise<void> {
  for (const { eventId, type, aggregateId, version, message } of events) {
    await sql`
      insert into outbox (event_id, type, aggregate_id, version, message)
      values (${eventId}, ${type}, ${aggregateId}, ${version}, ${message})`.execute(db);
  }
}

export const toUserEvent = ({ message }: Pick<OutboxEvent, "message">): userv1.UserEvent =>
  fromBinary(userv1.UserEventSchema, message);

/** What a test waits for: resolves once `count` of something were noted. */
export function createTally<T>() {
  const noted: T[] = [];
  const waiting = new Set<() => void>();
  return {
    noted,
    note(one: T): void {
      noted.push(one);
      for (const look of waiting) look();
    },
    async reached(count: number, timeoutMs = 30_000): Promise<readonly T[]> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => noted.length >= count && resolve();
      const timer = setTimeout(() => reject(new Error(`${noted.length} of ${count} after ${timeoutMs} ms`)), timeoutMs);
      waiting.add(look);
      look();
      await promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(look);
      });
      return noted;
    },
  };
}
