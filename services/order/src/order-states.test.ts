import { readFile } from "node:fs/promises";
import { documentedPart, toStateDiagram } from "@tenon/testing";
import { expect, test } from "vitest";
import { isFinal, nextStates, ORDER_STATES, type OrderState, orderStateNames, ruleOf } from "./order-states.ts";

const migration = await readFile(new URL("./migrations/0002-orders.sql", import.meta.url), "utf8");

/** The life of an order as the contract tells it. */
const LIFE: Record<OrderState, OrderState[]> = {
  PENDING: ["AUTHORIZED", "CANCELLING", "FAILED"],
  AUTHORIZED: ["CANCELLING", "CONFIRMED", "FAILED"],
  CONFIRMED: ["REFUNDING"],
  FAILED: [],
  CANCELLING: ["CANCELLED", "REFUNDING"],
  CANCELLED: [],
  REFUNDING: ["REFUNDED"],
  REFUNDED: [],
};

for (const state of orderStateNames) {
  test(`what follows ${state} is what the contract says`, () => {
    expect([...nextStates(state)].sort()).toEqual(LIFE[state]);
    expect(isFinal(state)).toBe(LIFE[state].length === 0);
  });

  test(`${state} is worked on exactly where its payment decides what follows`, () => {
    expect(ruleOf(state).step !== undefined).toBe(ruleOf(state).payment !== undefined);
  });
}

test("the database allows the states of the table, and no other", () => {
  const check = /orders_state check \(\s*state in \(([^)]*)\)/.exec(migration)?.[1] ?? "";
  expect(quoted(check)).toEqual(Object.keys(ORDER_STATES));
});

test("the database allows the edges of the table, and no other", () => {
  const values = /insert into order_edges[^;]*;/.exec(migration)?.[0] ?? "";
  const edges = [...values.matchAll(/\('(\w+)', '(\w+)'\)/g)].map(([, from, to]) => `${from} ${to}`);
  const expected = orderStateNames.flatMap((from) => [...nextStates(from)].map((to) => `${from} ${to}`));
  expect(edges.sort()).toEqual(expected.sort());
});

test("a payment that ended without money taken ends every order that waits for it", () => {
  for (const state of ["PENDING", "AUTHORIZED", "CANCELLING"] as const) {
    for (const payment of ["DECLINED", "VOIDED", "EXPIRED"] as const) {
      expect(isFinal(ruleOf(state).payment?.[payment] as OrderState)).toBe(true);
    }
  }
});

test("docs/money.md draws the table", () => {
  const next = Object.fromEntries(orderStateNames.map((state) => [state, nextStates(state)]));
  const drawn = documentedPart(new URL("../../../docs/money.md", import.meta.url), "order states");
  expect(drawn).toBe(toStateDiagram(next));
});

const quoted = (text: string) => [...text.matchAll(/'(\w+)'/g)].map(([, word]) => word);
