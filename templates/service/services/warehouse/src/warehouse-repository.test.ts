import { testDatabase } from "@tenon/testing";
import { v7 as uuidv7 } from "uuid";
import { expect, onTestFinished, test } from "vitest";
import { warehouseMigrations } from "./server.ts";
import { createWarehouseRepository, type Tables } from "./warehouse-repository.ts";

const CREATED_AT = new Date("2026-01-02T03:04:05Z");

async function repository() {
  const database = await testDatabase<Tables>({ migrations: warehouseMigrations });
  onTestFinished(() => database.close());
  const widgets = createWarehouseRepository(database.db);
  const insert = async (ownerId: string, name: string) => {
    const widget = { id: uuidv7(), ownerId, name, createdAt: CREATED_AT };
    await widgets.insert(widget);
    return widget;
  };
  return { widgets, insert };
}

test("what is kept is found as it was, by its owner and by who reaches all", async () => {
  const { widgets, insert } = await repository();
  const [ada, bob] = [uuidv7(), uuidv7()];
  const widget = await insert(ada, 'Jörg\'s "first" 👋');
  expect(await widgets.find(widget.id, { ownerId: ada })).toEqual(widget);
  expect(await widgets.find(widget.id, "all")).toEqual(widget);
  expect(await widgets.find(widget.id, { ownerId: bob })).toBeUndefined();
  expect(await widgets.find(uuidv7(), "all")).toBeUndefined();
});

test("a list has its owner's alone, the newest first, and loses nothing to what comes meanwhile", async () => {
  const { widgets, insert } = await repository();
  const [ada, bob] = [uuidv7(), uuidv7()];
  const made: string[] = [];
  for (const name of ["1", "2", "3"]) made.unshift((await insert(ada, name)).id);
  const theirs = await insert(bob, "4");
  const first = await widgets.list({ ownerId: ada }, { size: 2 });
  expect(first.items.map(({ id }) => id)).toEqual(made.slice(0, 2));
  await insert(ada, "5");
  const second = await widgets.list({ ownerId: ada }, { size: 2, beforeId: first.lastId });
  expect(second).toEqual({ items: [expect.objectContaining({ id: made[2] })] });
  const all = await widgets.list("all", { size: 500 });
  expect(all.items).toHaveLength(5);
  expect(all.items[1]).toEqual(theirs);
});

test("the database itself refuses a name that is none", async () => {
  const { insert } = await repository();
  await expect(insert(uuidv7(), "")).rejects.toMatchObject({ code: "23514" });
});
