import { testDatabase } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { createGreeterRepository, type Tables } from "./greeter-repository.ts";
import { greeterMigrations } from "./server.ts";

const RECORDED_AT = new Date("2026-01-02T03:04:05Z");

async function repository() {
  const database = await testDatabase<Tables>({ migrations: greeterMigrations });
  onTestFinished(() => database.close());
  return { names: createGreeterRepository(database.db), db: database.db };
}

const textOf = (page: readonly { name: string }[]) => page.map(({ name }) => name);

test("names are kept as they are, in their order, the same one twice", async () => {
  const { names, db } = await repository();
  const given = ["Ada", "Jörg 👋", 'a "quoted", {braced} \\ one', "Ada"];
  await names.record(given, RECORDED_AT);
  const page = await names.listLatest({ limit: 10 });
  expect(textOf(page)).toEqual(given.toReversed());
  const rows = await db.selectFrom("recorded_names").select("recorded_at").execute();
  expect(rows).toEqual(given.map(() => ({ recorded_at: RECORDED_AT })));
});

test("pages go down from the latest without a gap, whatever is recorded meanwhile", async () => {
  const { names } = await repository();
  await names.record(["a", "b", "c", "d", "e"], RECORDED_AT);
  const first = await names.listLatest({ limit: 2 });
  await names.record(["later"], RECORDED_AT);
  const second = await names.listLatest({ limit: 2, before: first.at(-1)?.id });
  const third = await names.listLatest({ limit: 2, before: second.at(-1)?.id });
  expect([first, second, third].map(textOf)).toEqual([["e", "d"], ["c", "b"], ["a"]]);
});

test("10,000 names are one statement", async () => {
  const { names, db } = await repository();
  await names.record(
    Array.from({ length: 10_000 }, (_, index) => `n${index}`),
    RECORDED_AT,
  );
  const { count } = await db
    .selectFrom("recorded_names")
    .select(({ fn }) => fn.countAll<bigint>().as("count"))
    .executeTakeFirstOrThrow();
  expect(count).toBe(10_000n);
  expect(textOf(await names.listLatest({ limit: 1 }))).toEqual(["n9999"]);
});

for (const [what, bad] of [
  ["empty", ""],
  ["too long", "x".repeat(201)],
  ["not storable", "a\u0000b"],
] as const) {
  test(`all names are refused where one is ${what}`, async () => {
    const { names } = await repository();
    await expect(names.record(["Ada", bad, "Bob"], RECORDED_AT)).rejects.toThrow();
    expect(await names.listLatest({ limit: 10 })).toEqual([]);
  });
}
