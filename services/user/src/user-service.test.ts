import type { StatusError } from "@tenon/errors";
import { describe, expect, test } from "vitest";
import type { Access, User } from "./user.ts";
import { PASSWORD, type UserRules, userRules } from "./user-fixture.ts";
import { assertChanges } from "./user-service.ts";

const STRANGER = "0199a1b2-0000-7000-8000-000000000000";
const own = (user: User): Access => ({ ownerId: user.id });
const fail = () => expect.unreachable();
const notAllowed = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" };
const notFound = { code: "NOT_FOUND", reason: "USER_NOT_FOUND" };
const notActive = { code: "FAILED_PRECONDITION", reason: "USER_NOT_ACTIVE" };

const rename = (user: User, displayName: string, etag = "", access = own(user)) => ({
  userId: user.id,
  access,
  etag,
  paths: ["display_name"],
  values: { email: "", displayName },
});

describe("sign-up", () => {
  test("makes an active user", async () => {
    const { signUp, clock } = await userRules();
    const user = await signUp({ email: "Ada@Example.com" });
    expect(user).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      email: "Ada@Example.com",
      displayName: "Ada",
      role: "USER",
      state: "ACTIVE",
      version: 1n,
      createdAt: clock.now(),
      updatedAt: clock.now(),
    });
  });

  test("refuses an email that is taken, in whatever case", async () => {
    const { signUp } = await userRules();
    await signUp({ email: "ada@example.com" });
    await expect(signUp({ email: "ADA@Example.COM" })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      reason: "EMAIL_TAKEN",
    });
  });

  test("of many at once with one email succeeds once", async () => {
    const { signUp } = await userRules();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => signUp({ email: index % 2 ? "ada@example.com" : "Ada@example.com" })),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  for (const [field, input] of [
    ["email", { email: "nobody" }],
    ["email", { email: "a\u0000@example.com" }],
    ["display_name", { displayName: " " }],
    ["display_name", { displayName: "a\u0000" }],
    ["password", { password: "too short" }],
    ["password", { password: "a".repeat(129) }],
  ] as const) {
    test(`refuses ${JSON.stringify(input).slice(0, 40)}`, async () => {
      const { credentials } = await userRules();
      const good = { email: "ada@example.com", displayName: "Ada", password: PASSWORD };
      await expect(credentials.prepareUser({ ...good, ...input })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        violations: [{ field }],
      });
    });
  }
});

describe("whose account it is", () => {
  const methods: [string, (rules: UserRules, id: string, access: Access) => Promise<unknown>][] = [
    ["get", ({ inTransaction }, id, access) => inTransaction((users) => users.getUser(id, access))],
    [
      "update",
      ({ inTransaction }, userId, access) =>
        inTransaction((users) =>
          users.updateUser({ userId, access, etag: "", paths: ["email"], values: { email: "x@y.z", displayName: "" } }),
        ),
    ],
    ["delete", ({ inTransaction }, id, access) => inTransaction((users) => users.deleteUser(id, access))],
    [
      "change the password of",
      ({ credentials }, userId, access) =>
        credentials.prepareChange({ userId, access, oldPassword: PASSWORD, newPassword: PASSWORD }),
    ],
  ];
  for (const [name, method] of methods) {
    test(`a user may not ${name} another, and does not learn whether he exists`, async () => {
      const rules = await userRules();
      const [ada, bob] = [await rules.signUp(), await rules.signUp()];
      const refusal = (id: string): Promise<StatusError> => method(rules, id, own(ada)).then(fail, (error) => error);
      const [known, unknown] = [await refusal(bob.id), await refusal(STRANGER)];
      expect(known).toMatchObject(notAllowed);
      expect({ ...unknown }).toEqual({ ...known });
      expect(unknown.message).toBe(known.message);
      expect(await rules.inTransaction((users) => users.getUser(bob.id, "all"))).toEqual(bob);
    });

    test(`whoever reaches all is told that there is nobody to ${name}`, async () => {
      await expect(method(await userRules(), STRANGER, "all")).rejects.toMatchObject(notFound);
    });
  }
});

describe("update", () => {
  test("changes what is named, counts the version and moves the time", async () => {
    const { signUp, inTransaction, clock } = await userRules();
    const ada = await signUp();
    clock.advance(1000);
    const updated = await inTransaction((users) => users.updateUser(rename(ada, "Countess")));
    expect(updated).toEqual({ ...ada, displayName: "Countess", version: 2n, updatedAt: clock.now() });
    expect(await inTransaction((users) => users.getUser(ada.id, "all"))).toEqual(updated);
  });

  test("frees the old email and takes the new one", async () => {
    const { signUp, inTransaction } = await userRules();
    const ada = await signUp({ email: "ada@example.com" });
    const to = { ...rename(ada, ""), paths: ["email"], values: { email: "countess@example.com", displayName: "" } };
    await inTransaction((users) => users.updateUser(to));
    await expect(signUp({ email: "countess@example.com" })).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
    await signUp({ email: "ada@example.com" });
  });

  test("refuses the email of another", async () => {
    const { signUp, inTransaction } = await userRules();
    const [ada] = [await signUp(), await signUp({ email: "bob@example.com" })];
    const to = { ...rename(ada, ""), paths: ["email"], values: { email: "BOB@example.com", displayName: "" } };
    await expect(inTransaction((users) => users.updateUser(to))).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
  });

  test("takes his own email in another case", async () => {
    const { signUp, inTransaction } = await userRules();
    const ada = await signUp({ email: "ada@example.com" });
    const to = { ...rename(ada, ""), paths: ["email"], values: { email: "Ada@example.com", displayName: "" } };
    expect((await inTransaction((users) => users.updateUser(to))).email).toBe("Ada@example.com");
  });

  test("refuses an etag that is not the present one, and changes nothing", async () => {
    const { signUp, inTransaction } = await userRules();
    const ada = await signUp();
    await inTransaction((users) => users.updateUser(rename(ada, "Countess", "1")));
    for (const etag of ["1", "3", "junk"]) {
      await expect(inTransaction((users) => users.updateUser(rename(ada, "No", etag)))).rejects.toMatchObject({
        code: "ABORTED",
        reason: "ETAG_MISMATCH",
      });
    }
    expect(await inTransaction((users) => users.getUser(ada.id, "all"))).toMatchObject({ displayName: "Countess" });
    await inTransaction((users) => users.updateUser(rename(ada, "Any", "*")));
  });

  test("of many at once with one etag succeeds once", async () => {
    const { signUp, inTransaction } = await userRules();
    const ada = await signUp();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) =>
        inTransaction((users) => users.updateUser(rename(ada, `Ada ${index}`, "1"))),
      ),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await inTransaction((users) => users.getUser(ada.id, "all"))).version).toBe(2n);
  });

  test("never moves the time back, whatever a replica's clock says", async () => {
    const { signUp, inTransaction, clock } = await userRules();
    const ada = await signUp();
    clock.advance(-5000);
    const updated = await inTransaction((users) => users.updateUser(rename(ada, "Countess")));
    expect(updated.updatedAt).toEqual(ada.updatedAt);
  });
});

describe("an update mask", () => {
  const values = { email: "ada@example.com", displayName: "Ada" };
  for (const [paths, changes] of [
    [["email"], { email: "ada@example.com" }],
    [["display_name"], { displayName: "Ada" }],
    [["email", "display_name", "email"], values],
    [["*"], values],
    [["display_name", "etag"], { displayName: "Ada" }],
  ] as const) {
    test(`may be ${paths}`, () => expect(assertChanges(paths, values)).toEqual(changes));
  }

  for (const paths of [
    [],
    ["etag"],
    ["role"],
    ["id"],
    ["state"],
    ["displayName"],
    ["email.x"],
    [""],
    ["email", "password"],
  ]) {
    test(`may not be ${JSON.stringify(paths)}`, () => {
      expect(() => assertChanges(paths, values)).toThrow(
        expect.objectContaining({
          code: "INVALID_ARGUMENT",
          violations: [expect.objectContaining({ field: "update_mask" })],
        }),
      );
    });
  }

  test("that does not name a field does not look at it", () => {
    expect(assertChanges(["display_name"], { email: "junk", displayName: "Ada" })).toEqual({ displayName: "Ada" });
  });

  for (const [field, bad] of [
    ["user.email", { email: "junk" }],
    ["user.email", { email: "" }],
    ["user.display_name", { displayName: "" }],
    ["user.display_name", { displayName: "x".repeat(101) }],
  ] as const) {
    test(`that names a bad ${field} is refused by it`, () => {
      expect(() => assertChanges(["*"], { ...values, ...bad })).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", violations: [expect.objectContaining({ field })] }),
      );
    });
  }
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
      inTransaction((users) => users.updateUser(rename(ada, "Back"))),
      inTransaction((users) => users.blockUser(ada.id)),
      inTransaction((users) => users.unblockUser(ada.id)),
    ]) {
      await expect(attempt).rejects.toMatchObject(notActive);
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
