import { readFileSync } from "node:fs";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { expect, test } from "vitest";
import { FINDING_KINDS } from "./finding.ts";

test("the database allows the kinds of the table and no others", () => {
  const sql = readFileSync(new URL("../migrations/0005-reconciliation.sql", import.meta.url), "utf8");
  const [, list = ""] = /findings_kind check \(([^)]*)\)/.exec(sql) ?? [];
  expect([...list.matchAll(/'(\w+)'/g)].map(([, name]) => name)).toEqual(FINDING_KINDS);
});

test("the contract has the kinds of the table and no others", () => {
  const inContract = Object.keys(paymentv1.FindingKind).filter((name) => name !== "UNSPECIFIED");
  expect(inContract).toEqual(FINDING_KINDS);
});
