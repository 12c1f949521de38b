import { readFileSync } from "node:fs";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { createOrderWorld } from "../order-fixture.ts";

const RUNBOOK = readFileSync(new URL("../../../../docs/runbook.md", import.meta.url), "utf8");

test("22: an order that asks for a payment that is gone asks no more by the runbook's words, until it is told to", async () => {
  const { db, queue, place, close } = await createOrderWorld();
  onTestFinished(close);
  const { id } = await place();
  const [claimed] = await queue.claim(1);
  const [words = ""] = /^update orders .*;$/m.exec(RUNBOOK) ?? [];
  const end = async (value: "null" | "now()") =>
    (await sql.raw(words.replace("null", value).replace("…", id)).execute(db)).numAffectedRows;
  expect(await end("null")).toBe(0n);
  if (claimed) await queue.postpone(claimed, 0);
  expect(await end("null")).toBe(1n);
  expect(await queue.claim(1)).toEqual([]);
  expect(await end("now()")).toBe(1n);
  expect(await queue.claim(1)).toMatchObject([{ id }]);
});
