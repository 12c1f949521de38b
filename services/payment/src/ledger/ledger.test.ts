import { readFileSync } from "node:fs";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { documentedPart, toMarkdownTable } from "@tenon/testing";
import { expect, test } from "vitest";
import { ACCOUNTS, entryOf, MOVEMENTS, type Movement } from "./ledger.ts";

const movements = Object.keys(MOVEMENTS) as Movement[];
const sql = readFileSync(new URL("../migrations/0002-ledger.sql", import.meta.url), "utf8");

for (const [what, names, constraint, enumeration] of [
  ["movements", movements, /ledger_entries_movement check \(([^)]*)\)/, paymentv1.LedgerMovement],
  ["accounts", ACCOUNTS, /ledger_postings_account check \(([^)]*)\)/, paymentv1.LedgerAccount],
] as const) {
  test(`the database allows the ${what} of the table and no others`, () => {
    const [, list = ""] = constraint.exec(sql) ?? [];
    expect([...list.matchAll(/'(\w+)'/g)].map(([, name]) => name).sort()).toEqual([...names].sort());
  });

  test(`the contract has the ${what} of the table and no others`, () => {
    const inContract = Object.keys(enumeration).filter((name) => name !== "UNSPECIFIED");
    expect(inContract.sort()).toEqual([...names].sort());
  });
}

for (const movement of movements) {
  test(`32: ${movement} debits what it credits`, () => {
    const amount = { currency: "USD", minor: 7n };
    const ids = { id: "entry", paymentId: "payment", stepId: "step", createdAt: new Date(0) };
    const { postings } = entryOf(movement, { ...ids, amount });
    expect(postings.map(({ amountMinor }) => amountMinor)).toEqual([7n, -7n]);
    expect(new Set(postings.map(({ account }) => account)).size).toBe(2);
  });
}

test("docs/money.md tells the table", () => {
  const told = documentedPart(new URL("../../../../docs/money.md", import.meta.url), "postings");
  const rows = movements.map((movement) => [movement, MOVEMENTS[movement].debit, MOVEMENTS[movement].credit]);
  expect(told).toBe(toMarkdownTable(["movement", "debit", "credit"], rows));
});
