import { readFileSync } from "node:fs";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { documentedPart, toStateDiagram } from "@tenon/testing";
import { expect, test } from "vitest";
import { isAllowed, PAYMENT_STATES, type PaymentState, statesBefore } from "./payment-states.ts";

const states = Object.keys(PAYMENT_STATES) as PaymentState[];

test("the database allows the states of the table and no others", () => {
  const sql = readFileSync(new URL("./migrations/0001-payments.sql", import.meta.url), "utf8");
  const [, list = ""] = /constraint payments_state check \(\s*state in \(([^)]*)\)/.exec(sql) ?? [];
  expect([...list.matchAll(/'(\w+)'/g)].map(([, state]) => state).sort()).toEqual(states.toSorted());
});

test("the contract has the states of the table and no others", () => {
  const names = Object.keys(paymentv1.PaymentState).filter((name) => name !== "UNSPECIFIED");
  expect(names.sort()).toEqual(states.toSorted());
});

test("a payment begins as AUTHORIZING, and every other state can be reached", () => {
  expect(statesBefore("AUTHORIZING")).toEqual([]);
  for (const state of states.filter((state) => state !== "AUTHORIZING")) expect(statesBefore(state)).not.toEqual([]);
});

for (const state of ["DECLINED", "VOIDED", "EXPIRED", "REFUNDED"] as const) {
  test(`${state} is final`, () => expect(states.filter((to) => isAllowed(state, to))).toEqual([]));
}

test("docs/money.md draws the table", () => {
  const drawn = documentedPart(new URL("../../../docs/money.md", import.meta.url), "payment states");
  expect(drawn).toBe(toStateDiagram(PAYMENT_STATES));
});
