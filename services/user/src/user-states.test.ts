import { describe, expect, test } from "vitest";
import type { User } from "./user.ts";
import { own, PASSWORD, rename, STRANGER, type UserRules, userRules } from "./user-fixture.ts";

const notFound = { code: "NOT_FOUND", reason: "USER_NOT_FOUND" };
const notActive = { code: "FAILED_PRECONDITION", reason: "USER_NOT_ACTIVE" };

describe("the last active admin", () => {
  const lastAdmin = { code: "FAILED_PRECONDITION", reason: "LAST_ADMIN" };

  test("is neither blocked nor deleted, until there is another", async () => {
    const { signUp, inTransaction } = await userRules();
    const admin = await signUp({ role: "ADMIN" });
    await signUp();
    await expect(inTransaction((users) => users.blockUser(admin.id))).rejects.toMatchObject(lastAdmin);
    await expect(inTransaction((users) => users.deleteUser(admin.id, own(admin)))).rejects.toMatchObject(lastAdmin);
    const other = await signUp({ role: "ADMIN" });
    expect(await inTransaction((users) => users.blockUser(admin.id))).toMatchObject({ state: "BLOCKED" });
    await expect(inTransaction((users) => users.deleteUser(other.id, "all"))).rejects.toMatchObject(lastAdmin);
  });

  test("is left when two admins block each other at once", async () => {
    const { signUp, inTransaction } = await userRules();
    const [one, two] = [await signUp({ role: "ADMIN" }), await signUp({ role: "ADMIN" })];
    const results = await Promise.allSettled([
      inTransaction((users) => users.blockUser(one.id)),
      inTransaction((users) => users.blockUser(two.id)),
    ]);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("a blocked user", () => {
  test("has no session and gets none, and again once unblocked", async () => {
    const { signUp, logIn, sessions, inTransaction } = await userRules();
    const ada = await signUp({ email: "ada@example.com" });
    const { refreshToken } = await logIn("ada@example.com");
    const blocked = await inTransaction((users) => users.blockUser(ada.id));
    expect(blocked).toMatchObject({ state: "BLOCKED", version: 2n });
    await expect(sessions.refreshSession(refreshToken)).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
    await expect(logIn("ada@example.com")).rejects.toMatchObject(notActive);
    await expect(logIn("ada@example.com", "wrong password")).rejects.toMatchObject({ reason: "WRONG_CREDENTIALS" });
    expect(await inTransaction((users) => users.unblockUser(ada.id))).toMatchObject({ state: "ACTIVE", version: 3n });
    await logIn("ada@example.com");
  });

  test("that is blocked again, or unblocked while active, does not change", async () => {
    const { signUp, inTransaction } = await userRules();
    const ada = await signUp();
    expect(await inTransaction((users) => users.unblockUser(ada.id))).toEqual(ada);
    const blocked = await inTransaction((users) => users.blockUser(ada.id));
    expect(await inTransaction((users) => users.blockUser(ada.id))).toEqual(blocked);
  });

  test("may not change his password", async () => {
    const { signUp, inTransaction, credentials } = await userRules();
    const ada = await signUp();
    const who = { userId: ada.id, access: own(ada) };
    const change = await credentials.prepareChange({ ...who, oldPassword: PASSWORD, newPassword: "another password" });
    await inTransaction((users) => users.blockUser(ada.id));
    await expect(
      inTransaction((users) => users.changePassword({ ...who, sessionId: STRANGER, ...change })),
    ).rejects.toMatchObject(notActive);
  });

  test("that nobody is", async () => {
    const { inTransaction } = await userRules();
    await expect(inTransaction((users) => users.blockUser(STRANGER))).rejects.toMatchObject(notFound);
    await expect(inTransaction((users) => users.unblockUser(STRANGER))).rejects.toMatchObject(notFound);
  });
});

describe("a deleted user", () => {
  test("leaves his id and nothing personal, and frees his email", async () => {
    const { db, signUp, logIn, inTransaction } = await userRules();
    const ada = await signUp({ email: "ada@example.com" });
    await logIn("ada@example.com");
    await inTransaction((users) => users.deleteUser(ada.id, own(ada)));
    expect(await inTransaction((users) => users.getUser(ada.id, own(ada)))).toMatchObject({
      id: ada.id,
      email: null,
      displayName: null,
      state: "DELETED",
    });
    expect(await db.selectFrom("users").select(["email_key", "password_hash"]).executeTakeFirst()).toEqual({
      email_key: null,
      password_hash: null,
    });
    expect(await db.selectFrom("sessions").selectAll().execute()).toEqual([]);
    await expect(logIn("ada@example.com")).rejects.toMatchObject({ reason: "WRONG_CREDENTIALS" });
    expect((await signUp({ email: "ada@example.com" })).id).not.toBe(ada.id);
  });

  test("stays deleted", async () => {
    const { signUp, inTransaction, credentials } = await userRules();
    const ada = await signUp();
    await inTransaction((users) => users.deleteUser(ada.id, own(ada)));
    const deleted = await inTransaction((users) => users.getUser(ada.id, "all"));
    await inTransaction((users) => users.deleteUser(ada.id, "all"));
    const who = { userId: ada.id, access: own(ada) };
    const change = await credentials.prepareChange({ ...who, oldPassword: PASSWORD, newPassword: PASSWORD });
    expect(change.verifiedHash).toBeUndefined();
    for (const attempt of [
      () => inTransaction((users) => users.updateUser(rename(ada, "Back"))),
      () => inTransaction((users) => users.blockUser(ada.id)),
      () => inTransaction((users) => users.unblockUser(ada.id)),
    ]) {
      await expect(attempt()).rejects.toMatchObject(notActive);
    }
    expect(await inTransaction((users) => users.getUser(ada.id, "all"))).toEqual(deleted);
  });
});

describe("a change of password", () => {
  async function change(rules: UserRules, ada: User, sessionId: string, oldPassword: string, newPassword: string) {
    const who = { userId: ada.id, access: own(ada) };
    const prepared = await rules.credentials.prepareChange({ ...who, oldPassword, newPassword });
    await rules.inTransaction((users) => users.changePassword({ ...who, sessionId, ...prepared }));
  }

  test("ends the other sessions and keeps his own", async () => {
    const rules = await userRules();
    const ada = await rules.signUp({ email: "ada@example.com" });
    const [mine, other] = [await rules.logIn("ada@example.com"), await rules.logIn("ada@example.com")];
    await change(rules, ada, mine.sessionId, PASSWORD, "another password");
    await rules.sessions.refreshSession(mine.refreshToken);
    await expect(rules.sessions.refreshSession(other.refreshToken)).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
    await expect(rules.logIn("ada@example.com")).rejects.toMatchObject({ reason: "WRONG_CREDENTIALS" });
    await rules.logIn("ada@example.com", "another password");
  });

  test("by the wrong old one changes nothing", async () => {
    const rules = await userRules();
    const ada = await rules.signUp({ email: "ada@example.com" });
    const { refreshToken } = await rules.logIn("ada@example.com");
    await expect(change(rules, ada, STRANGER, "wrong password", "another password")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "WRONG_CREDENTIALS",
    });
    await rules.sessions.refreshSession(refreshToken);
    await rules.logIn("ada@example.com");
  });

  test("of two at once, one wins and the other has the wrong old one", async () => {
    const rules = await userRules();
    const ada = await rules.signUp();
    const outcomes = await Promise.allSettled(
      ["first password", "second password"].map((to) => change(rules, ada, STRANGER, PASSWORD, to)),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("a list", () => {
  test("shows all, the newest first, page by page, while others come and go", async () => {
    const { signUp, inTransaction } = await userRules();
    const made: User[] = [];
    for (let index = 0; index < 5; index++) made.push(await signUp());
    const list = (beforeId?: string) =>
      inTransaction((users) => users.listUsers({ state: undefined }, { size: 2, beforeId }));
    const first = await list();
    await signUp();
    const second = await list(first.lastId);
    const third = await list(second.lastId);
    expect([...first.items, ...second.items, ...third.items]).toEqual(made.toReversed());
    expect(third.lastId).toBeUndefined();
  });

  test("of a state shows that state", async () => {
    const { signUp, inTransaction } = await userRules();
    const [ada, bob] = [await signUp(), await signUp()];
    await inTransaction((users) => users.blockUser(bob.id));
    const list = async (state: "ACTIVE" | "BLOCKED" | "DELETED") =>
      (await inTransaction((users) => users.listUsers({ state }, { size: 10 }))).items.map(({ id }) => id);
    expect(await list("ACTIVE")).toEqual([ada.id]);
    expect(await list("BLOCKED")).toEqual([bob.id]);
    expect(await list("DELETED")).toEqual([]);
  });
});
