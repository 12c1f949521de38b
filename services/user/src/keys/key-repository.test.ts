import { createManualClock } from "@tenon/testing";
import { expect, test } from "vitest";
import { userDatabase } from "../user-fixture.ts";
import { createKeyRepository } from "./key-repository.ts";

const MINUTE = 60_000;

async function repository() {
  const { db } = await userDatabase();
  const clock = createManualClock();
  const replica = () => createKeyRepository({ db, now: clock.now, rotationMs: 60 * MINUTE, keepMs: 20 * MINUTE });
  return { clock, replica };
}

const ids = (keys: readonly { kid: string }[]) => keys.map(({ kid }) => kid);

test("replicas that start at once agree on two keys", async () => {
  const { replica } = await repository();
  const loaded = await Promise.all(Array.from({ length: 8 }, () => replica().load()));
  expect(loaded[0]).toHaveLength(2);
  for (const keys of loaded) expect(ids(keys)).toEqual(ids(loaded[0] ?? []));
});

test("keys that are loaded again are the same, private half included", async () => {
  const { replica } = await repository();
  const [made, read] = [await replica().load(), await replica().load()];
  expect(ids(read)).toEqual(ids(made));
  expect(read[0]?.x).toBe(made[0]?.x);
  expect(read[0]?.privateKey?.equals(made[0]?.privateKey as never)).toBe(true);
});

test("a key is first the next one, then signs, then only verifies, then is gone", async () => {
  const { clock, replica } = await repository();
  const { load } = replica();
  const [first, second] = ids(await load());
  clock.advance(60 * MINUTE);
  const afterOne = ids(await load());
  expect(afterOne.slice(0, 2)).toEqual([first, second]);
  expect(afterOne).toHaveLength(3);
  clock.advance(20 * MINUTE);
  expect(ids(await load())).toEqual(afterOne.slice(1));
});
