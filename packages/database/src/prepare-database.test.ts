import { StatusError } from "@tenon/errors";
import { sql } from "kysely";
import { expect, test, vi } from "vitest";
import { emptyDatabase, silent } from "./database-fixture.ts";
import { ping } from "./open-database.ts";
import { prepareDatabase } from "./prepare-database.ts";

const down = () => Promise.reject(new StatusError("UNAVAILABLE", "the database is unavailable"));

test("the work is done once, at the start", async () => {
  await using database = await emptyDatabase();
  const work = vi.fn(async () => {});
  const check = await prepareDatabase(database.db, { logger: silent, work });
  await check();
  await check();
  expect(work).toHaveBeenCalledTimes(1);
});

test("63: with the database down a service starts, and is ready once the work is done", async () => {
  await using database = await emptyDatabase();
  let work: () => Promise<void> = down;
  const check = await prepareDatabase(database.db, { logger: silent, work: () => work() });
  await expect(check()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  work = async () => {};
  await expect(check()).resolves.toBeUndefined();
});

test("checks at the same time share one attempt", async () => {
  await using database = await emptyDatabase();
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = vi.fn(() => promise).mockImplementationOnce(down);
  const check = await prepareDatabase(database.db, { logger: silent, work });
  const checks = [check(), check()];
  resolve();
  await Promise.all(checks);
  expect(work).toHaveBeenCalledTimes(2);
});

test("any other failure ends the start, and the pool", async () => {
  await using database = await emptyDatabase();
  const work = async () => {
    await ping(database.db);
    throw new Error("migration 0001-x was changed");
  };
  await expect(prepareDatabase(database.db, { logger: silent, work })).rejects.toThrow("0001-x");
  await expect(sql`select 1`.execute(database.db)).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
