import { fromBinary } from "@bufbuild/protobuf";
import * as userv1 from "@tenon/contracts/user/v1";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { own, rename, userRules } from "./user-fixture.ts";

test("36, 59: each version of a user has one event, with the state after it and nothing personal", async () => {
  const { db, inTransaction, signUp } = await userRules();
  const user = await signUp({ email: "canary@example.com" });
  await inTransaction((users) => users.updateUser(rename(user, "Canary")));
  await inTransaction((users) => users.blockUser(user.id));
  await inTransaction((users) => users.blockUser(user.id)); // changes nothing
  await inTransaction((users) => users.unblockUser(user.id));
  await inTransaction((users) => users.deleteUser(user.id, own(user)));
  const { rows } = await sql<{ message: Buffer }>`
    select message from outbox where aggregate_id = ${user.id} order by version`.execute(db);
  const told = rows.map(({ message }) => fromBinary(userv1.UserEventSchema, message));
  const { ACTIVE, BLOCKED, DELETED } = userv1.UserState;
  expect(told.map(({ version }) => version)).toEqual([1n, 2n, 3n, 4n, 5n]);
  expect(told.map((event) => event.user?.state)).toEqual([ACTIVE, ACTIVE, BLOCKED, ACTIVE, DELETED]);
  for (const { message } of rows) expect(message.toString("latin1")).not.toMatch(/canary/i);
});

test("36: a version of a user that is told to nobody is refused", async () => {
  const { db, signUp } = await userRules();
  const { id } = await signUp();
  const untold = sql`update users set version = version + 1 where id = ${id}`.execute(db);
  await expect(untold).rejects.toThrow(/version 2 of .* has no event/);
});
