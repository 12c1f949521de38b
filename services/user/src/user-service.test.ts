import type { StatusError } from "@tenon/errors";
import { describe, expect, test } from "vitest";
import type { Access } from "./user.ts";
import { own, PASSWORD, rename, STRANGER, type UserRules, userRules } from "./user-fixture.ts";
import { assertChanges } from "./user-service.ts";

const fail = () => expect.unreachable();
const notAllowed = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" };
const notFound = { code: "NOT_FOUND", reason: "USER_NOT_FOUND" };

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

  test("43: refuses an etag that is not the present one, and changes nothing", async () => {
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

  test("43: of many at once with one etag succeeds once", async () => {
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
