import { sql } from "kysely";
import { expect, test } from "vitest";
import { emptyDatabase, eventually, silent } from "./database-fixture.ts";
import { createListener } from "./index.ts";

async function listening() {
  const database = await emptyDatabase();
  const listener = createListener({ url: database.url, channels: ["changed", "other"], logger: silent });
  const heard: string[] = [];
  const subscriber = { onNotify: (payload: string) => void heard.push(payload), onGap: () => void heard.push("gap") };
  const end = listener.subscribe("changed", subscriber);
  const until = (count: number) => eventually(async () => heard.length >= count);
  await until(1);
  return {
    ...database,
    listener,
    heard,
    end,
    until,
    notify: (payload: string, channel = "changed") =>
      sql`select pg_notify(${channel}, ${payload})`.execute(database.db),
    async [Symbol.asyncDispose]() {
      await listener.close();
      await database.close();
    },
  };
}

test("hears what is committed on its channel, and nothing that is rolled back", async () => {
  await using rig = await listening();
  await rig.notify("elsewhere", "other");
  await rig.db
    .transaction()
    .execute(async (tx) => {
      await sql`notify changed, 'undone'`.execute(tx);
      throw new Error("undone");
    })
    .catch(() => {});
  await rig.notify("one");
  await rig.notify("two");
  await rig.until(3);
  expect(rig.heard).toEqual(["gap", "one", "two"]);
});

test("connects again when its connection is cut, and says that there was a gap", async () => {
  await using rig = await listening();
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'tenon listener' and datname = current_database()`.execute(rig.db);
  await rig.until(2);
  await rig.notify("after");
  await rig.until(3);
  expect(rig.heard).toEqual(["gap", "gap", "after"]);
});

test("a subscriber that has ended hears nothing; one that throws disturbs no other", async () => {
  await using rig = await listening();
  const others: string[] = [];
  const throwing = () => {
    throw new Error("thrown");
  };
  rig.listener.subscribe("changed", { onNotify: throwing, onGap: throwing });
  rig.listener.subscribe("changed", { onNotify: (payload) => void others.push(payload), onGap: () => {} });
  rig.end();
  await rig.notify("one");
  await eventually(async () => others.length === 1);
  expect(rig.heard).toEqual(["gap"]);
  expect(() => rig.listener.subscribe("nothing", { onNotify: throwing, onGap: throwing })).toThrow(/not a channel/);
});

test("closes while the database is not there", async () => {
  const listener = createListener({ url: "postgres://nobody@127.0.0.1:1/none", channels: ["changed"], logger: silent });
  await expect(listener.close()).resolves.toBeUndefined();
});
