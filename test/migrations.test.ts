import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

/** What a version that still runs beside the new one, or is gone back to, would miss: it goes in a later release than its last use. */
const TAKING = [
  /\bdrop\s+(table|column|view|function|schema)\b/i,
  /\brename\b/i,
  /\balter\s+column\s+\S+\s+(set\s+data\s+)?type\b/i,
  /\balter\s+column\s+\S+\s+set\s+not\s+null\b/i,
  /\badd\s+column\s+(?![^,;]*\bdefault\b)[^,;]*\bnot\s+null\b/i,
];

const takingIn = (text: string) =>
  text
    .replaceAll(/--.*$/gm, "")
    .split(";")
    .filter((statement) => TAKING.some((taking) => taking.test(statement)))
    .map((statement) => statement.trim());

test("62: no migration takes away what the version before it uses", async () => {
  const files = await Array.fromAsync(glob("{packages,services}/*/src/**/migrations/*.sql", { cwd: root }));
  expect(files.length).toBeGreaterThan(15);
  for (const file of files) expect(takingIn(await readFile(join(root, file), "utf8")), file).toEqual([]);
});

for (const statement of [
  "drop table orders",
  "alter table orders drop column total",
  "alter table orders rename column total to sum",
  "alter table orders alter column total type numeric",
  "alter table orders alter column total set not null",
  "alter table orders add column total bigint not null",
]) {
  test(`62: "${statement}" would take something away`, () => expect(takingIn(`${statement};`)).toEqual([statement]));
}

for (const statement of [
  "alter table orders add column total bigint",
  "alter table orders add column total bigint not null default 0",
  "alter table orders drop constraint total_check",
  "-- drop table orders",
]) {
  test(`62: "${statement}" takes nothing away`, () => expect(takingIn(`${statement};`)).toEqual([]));
}
