import * as userv1 from "@tenon/contracts/user/v1";
import { type Code, StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { createGrpcUsers } from "./grpc-users.ts";

const signal = AbortSignal.timeout(60_000);

const usersWhere = (getUser: () => Promise<unknown>) => createGrpcUsers({ client: { getUser } as never });

for (const [state, active] of [
  ["ACTIVE", true],
  ["BLOCKED", false],
  ["DELETED", false],
  ["UNSPECIFIED", false],
] as const) {
  test(`a user who is ${state} ${active ? "may" : "may not"} order`, async () => {
    const users = usersWhere(async () => ({ user: { state: userv1.UserState[state] } }));
    expect(await users.isActive("id", signal)).toBe(active);
  });
}

const refusing = (code: Code, reason?: string) =>
  usersWhere(async () => {
    throw new StatusError(code, "no", { remote: true, ...(reason && { reason }) });
  });

test("a user who is not known may not order", async () => {
  expect(await refusing("NOT_FOUND", "USER_NOT_FOUND").isActive("id", signal)).toBe(false);
});

test("a NOT_FOUND that is about something else says nothing of the user", async () => {
  await expect(refusing("NOT_FOUND").isActive("id", signal)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(refusing("UNAVAILABLE").isActive("id", signal)).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
