import { expect, test } from "vitest";
import { chooseWords, reword } from "./service-words.ts";

const taken = {
  names: ["greeter", "events", "operator"],
  files: ["order.ts", "ledger-service.ts", "greeter-handler.ts"],
  routes: ["users"],
  template: "import type { Page } from ...; const { requestId } = request; return { items: paged.items };",
};

test("a name is enough; what it keeps are items unless told otherwise", () => {
  expect(chooseWords({ name: "inventory" }, taken)).toEqual({ name: "inventory", resource: "item", plural: "items" });
  const words = { name: "inventory", resource: "entry", plural: "entries" };
  expect(chooseWords(words, taken)).toEqual(words);
});

for (const [asked, why] of [
  [{}, "which service?"],
  [{ name: "" }, "which service?"],
  [{ name: "Inventory" }, "name=Inventory: one word"],
  [{ name: "stockRoom" }, "name=stockRoom: one word"],
  [{ name: "stock-room" }, "name=stock-room: one word"],
  [{ name: "stock_room" }, "name=stock_room: one word"],
  [{ name: "../stock" }, "name=../stock: one word"],
  [{ name: "stock\n" }, "name=stock\n: one word"],
  [{ name: "a".repeat(25) }, "one word"],
  [{ name: "greeter" }, "name=greeter: there is one already"],
  [{ name: "events" }, "name=events: there is one already"],
  [{ name: "operator" }, "name=operator: there is one already"],
  [{ name: "class" }, "name=class: the code of a service uses this word"],
  [{ name: "page" }, "name=page: the code of a service uses this word"],
  [{ name: "ledger" }, "name=ledger: there is a ledger-service.ts already"],
  [{ name: "inventory", resource: "date" }, "resource=date: the code of a service uses this word"],
  [{ name: "inventory", resource: "request" }, "resource=request: the code of a service uses this word"],
  [{ name: "inventory", resource: "order" }, "resource=order: there is a order.ts already"],
  [{ name: "inventory", resource: "user" }, "plural=users: /v1/users is another service's"],
  [{ name: "inventory", resource: "entry" }, 'resource=entry: "entrys" is hardly its plural'],
  [{ name: "inventory", resource: "box" }, 'resource=box: "boxs" is hardly its plural'],
  [{ name: "stock", resource: "stock" }, "name, resource and plural must differ"],
  [{ name: "inventory", resource: "sheep", plural: "sheep" }, "name, resource and plural must differ"],
] as const) {
  test(`${JSON.stringify(asked)} is refused: ${why}`, () => {
    expect(chooseWords(asked, taken)).toEqual(expect.stringContaining(why));
  });
}

test("words take their place in every spelling", () => {
  const words = { name: "inventory", resource: "entry", plural: "entries" };
  const text = "createWarehouseService widgetId WIDGET_NOT_FOUND listWidgets /v1/widgets warehousev1 Widget";
  expect(reword(text, words)).toBe(
    "createInventoryService entryId ENTRY_NOT_FOUND listEntries /v1/entries inventoryv1 Entry",
  );
});
