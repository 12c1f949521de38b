import * as warehousev1 from "@tenon/contracts/warehouse/v1";
import { createLogger } from "@tenon/logger";
import { type TestUser, testDatabase, testServer } from "@tenon/testing";
import { v4 as uuidv4, v7 as uuidv7 } from "uuid";
import { expect, onTestFinished, test } from "vitest";
import { warehouseMigrations, wireWarehouse } from "./server.ts";
import type { Tables } from "./warehouse-repository.ts";

/** The service behind the standard chain, without a port, as each of its callers sees it. */
async function warehouse() {
  const database = await testDatabase<Tables>({ migrations: warehouseMigrations });
  const { services } = wireWarehouse({
    db: database.db,
    logger: createLogger({ name: "warehouse", level: "silent" }),
    secret: Buffer.alloc(32, 1),
  });
  const server = testServer({ name: "warehouse", services });
  onTestFinished(async () => {
    await server.close();
    await database.close();
  });
  const as = (caller?: TestUser | { service: string }) => server.connect(warehousev1.WarehouseService, caller);
  const someone = (role: "user" | "admin" = "user") => {
    const id = uuidv7();
    return { id, ...as({ id, role }) };
  };
  return { as, someone };
}

type Caller = Awaited<ReturnType<Awaited<ReturnType<typeof warehouse>>["someone"]>>;

async function make(caller: Pick<Caller, "createWidget">, name = "the first") {
  const { widget } = await caller.createWidget({ requestId: uuidv4(), name });
  if (widget === undefined) throw new Error("an answer without the widget");
  return widget;
}

test("what a user makes is theirs, and found by its id", async () => {
  const { someone } = await warehouse();
  const ada = someone();
  const made = await make(ada);
  expect(made).toMatchObject({ ownerId: ada.id, name: "the first", createTime: expect.anything() });
  expect((await ada.getWidget({ widgetId: made.id })).widget).toEqual(made);
});

test("a repetition returns the first answer and makes nothing; the same id for something else is refused", async () => {
  const { someone } = await warehouse();
  const ada = someone();
  const request = { requestId: uuidv4(), name: "the first" };
  const first = await ada.createWidget(request);
  expect(await ada.createWidget(request)).toEqual(first);
  expect((await ada.listWidgets({})).widgets).toHaveLength(1);
  await expect(ada.createWidget({ ...request, name: "another" })).rejects.toMatchObject({
    code: "ALREADY_EXISTS",
    reason: "REQUEST_ID_REUSED",
  });
});

test("another's is not to be seen, and not told from what never was; an admin sees all", async () => {
  const { someone } = await warehouse();
  const made = await make(someone());
  const [bob, admin] = [someone(), someone("admin")];
  for (const widgetId of [made.id, uuidv7()]) {
    await expect(bob.getWidget({ widgetId })).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "NOT_ALLOWED",
    });
  }
  expect((await bob.listWidgets({})).widgets).toEqual([]);
  expect((await admin.getWidget({ widgetId: made.id })).widget).toEqual(made);
  expect((await admin.listWidgets({})).widgets).toEqual([made]);
  await expect(admin.getWidget({ widgetId: uuidv7() })).rejects.toMatchObject({
    code: "NOT_FOUND",
    reason: "WIDGET_NOT_FOUND",
  });
});

for (const [who, caller, code] of [
  ["nobody", undefined, "UNAUTHENTICATED"],
  ["a service", { service: "order" }, "PERMISSION_DENIED"],
] as const) {
  test(`${who} is not let in`, async () => {
    const { as } = await warehouse();
    const client = as(caller);
    await expect(make(client)).rejects.toMatchObject({ code });
    await expect(client.getWidget({ widgetId: uuidv7() })).rejects.toMatchObject({ code });
    await expect(client.listWidgets({})).rejects.toMatchObject({ code });
  });
}

for (const [what, fields, field] of [
  ["no request id", { requestId: "" }, "request_id"],
  ["a request id that is no UUID", { requestId: "1" }, "request_id"],
  ["no name", { name: "" }, "name"],
  ["a name of 201 characters", { name: "a".repeat(201) }, "name"],
  ["a name with NUL", { name: "a\0b" }, "name"],
] as const) {
  test(`a request with ${what} is refused by its field`, async () => {
    const { someone } = await warehouse();
    const making = someone().createWidget({ requestId: uuidv4(), name: "the first", ...fields });
    await expect(making).rejects.toMatchObject({ code: "INVALID_ARGUMENT", violations: [{ field }] });
  });
}

test("an id that is no UUID is refused by its field", async () => {
  const { someone } = await warehouse();
  await expect(someone().getWidget({ widgetId: "' or 1=1" })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    violations: [{ field: "widget_id" }],
  });
});

test("the list is in pages, whose tokens are of no use to another", async () => {
  const { someone } = await warehouse();
  const [ada, bob] = [someone(), someone()];
  const made = [];
  for (const name of ["1", "2", "3"]) made.unshift(await make(ada, name));
  const first = await ada.listWidgets({ pageSize: 2 });
  const second = await ada.listWidgets({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.widgets, ...second.widgets]).toEqual(made);
  expect(second.nextPageToken).toBe("");
  await expect(bob.listWidgets({ pageToken: first.nextPageToken })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    reason: "PAGE_TOKEN_INVALID",
  });
});
