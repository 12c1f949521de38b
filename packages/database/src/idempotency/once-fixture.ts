import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import { type Call, createContextValues, createMetadata } from "@tenon/grpc";
import { createManualClock, testDatabase } from "@tenon/testing";
import type { Kysely } from "kysely";
import { expect } from "vitest";
import { silent } from "../database-fixture.ts";
import { type Caller, createOnce, databaseMigrations, type OnceOptions, openDatabase } from "../index.ts";

export interface Tables {
  effect: { name: string };
}

export interface FakeCallOptions {
  method?: keyof typeof orderv1.OrderService.method;
  signal?: AbortSignal;
}

/** The server's side of a call, as far as handlers see it. */
export function callOf({ method = "createOrder", signal = new AbortController().signal }: FakeCallOptions = {}): Call {
  const desc = orderv1.OrderService.method[method];
  return {
    side: "server",
    method: {
      path: `/${desc.parent.typeName}/${desc.name}`,
      service: desc.parent.typeName,
      name: desc.name,
      requestStream: false,
      responseStream: false,
      desc,
    },
    peer: "test",
    peerUris: [],
    requestMetadata: createMetadata(),
    responseHeaders: createMetadata(),
    trailers: createMetadata(),
    values: createContextValues(),
    signal,
    deadline: Number.POSITIVE_INFINITY,
    abort: () => {},
  };
}

export const replayed = (call: Call) => call.trailers.get("idempotent-replayed").length > 0;

export const requestOf = (init: { requestId?: string; paymentMethod?: string } = {}) =>
  create(orderv1.CreateOrderRequestSchema, { requestId: randomUUID(), paymentMethod: "pm_ok", ...init });

export const SECRET = Buffer.from("a secret of sixteen bytes or more");

/** A database with a table of effects, and `once` on it with a clock that stands still. */
export async function onceRig(options: Partial<OnceOptions<Tables>> & { poolSize?: number } = {}) {
  const migrations = [databaseMigrations, new URL("./once-fixture/", import.meta.url)];
  const database = await testDatabase<Tables>({ migrations, logger: silent, poolSize: options.poolSize ?? 10 });
  const clock = createManualClock();
  const caller: { current: Caller } = { current: { kind: "user", id: "ada" } };
  const replica = (db: Kysely<Tables>, more: Partial<OnceOptions<Tables>> = {}) =>
    createOnce<Tables>({ db, secret: SECRET, principalOf: () => caller.current, now: clock.now, ...options, ...more });
  return {
    ...database,
    clock,
    caller,
    once: replica(database.db),
    replica,
    secondPool: () => openDatabase<Tables>({ url: database.url, logger: silent }),
    effects: async () => (await database.db.selectFrom("effect").selectAll().execute()).map(({ name }) => name),
    records: () =>
      database.db
        .selectFrom("idempotency" as never)
        .selectAll()
        .execute(),
    async [Symbol.asyncDispose]() {
      await database.close();
    },
  };
}

/** An effect that is seen in the table, and its answer. */
export const writing = (name: string) => async (tx: Kysely<Tables>) => {
  await tx.insertInto("effect").values({ name }).execute();
  return { order: { id: name, version: 1n } };
};

export const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail("it did not fail"),
    (error) => error,
  );
