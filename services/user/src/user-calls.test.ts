import * as userv1 from "@tenon/contracts/user/v1";
import { v4 as randomUuid } from "uuid";
import { describe, expect, test } from "vitest";
import { createPasswords } from "./passwords/passwords.ts";
import { createWorkQueue } from "./passwords/work-queue.ts";
import { CHEAP, PASSWORD } from "./user-fixture.ts";
import { serveUsers, signUp } from "./user-server-fixture.ts";

const STRANGER = "0199a1b2-0000-7000-8000-000000000000";

test("sign up, log in, see oneself, refresh, log out", async () => {
  const { anonymous, as } = await serveUsers();
  const { user } = await anonymous.users.createUser(signUp("Ada@example.com"));
  expect(user).toMatchObject({
    email: "Ada@example.com",
    displayName: "Ada",
    role: userv1.Role.USER,
    state: userv1.UserState.ACTIVE,
    etag: "1",
  });
  const session = await anonymous.sessions.createSession({ email: "ada@EXAMPLE.com", password: PASSWORD });
  expect(session).toMatchObject({ tokenType: "Bearer", expiresIn: { seconds: 900n } });
  const ada = as(session.accessToken);
  expect((await ada.users.getMe({})).user).toEqual(user);
  expect((await ada.users.getUser({ userId: user?.id ?? "" })).user).toEqual(user);
  const { refreshToken } = session;
  const next = await anonymous.sessions.refreshSession({ requestId: randomUuid(), refreshToken });
  expect(next.sessionId).toBe(session.sessionId);
  await as(next.accessToken).sessions.deleteSession({ requestId: randomUuid(), sessionId: session.sessionId });
  await expect(
    anonymous.sessions.refreshSession({ requestId: randomUuid(), refreshToken: next.refreshToken }),
  ).rejects.toMatchObject({ code: "UNAUTHENTICATED", reason: "TOKEN_INVALID" });
});

describe("etags", () => {
  test("43: guard an update, and of many at once one passes", async () => {
    const { person } = await serveUsers();
    const ada = await person();
    const update = (displayName: string, etag: string) =>
      ada.users.updateUser({
        requestId: randomUuid(),
        user: { id: ada.id, displayName, etag },
        updateMask: { paths: ["display_name", "etag"] },
      });
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => update(`Ada ${index}`, "1")));
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(7);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: "ABORTED", reason: "ETAG_MISMATCH" });
    const { user } = await ada.users.getMe({});
    expect(user?.etag).toBe("2");
    expect((await update("Countess", user?.etag ?? "")).user).toMatchObject({ displayName: "Countess", etag: "3" });
    await update("Any", "*");
    await update("Any", "");
  });
});

describe("a list", () => {
  test("45: is read to its end, whoever comes and goes meanwhile", async () => {
    const { admin, person } = await serveUsers();
    const boss = await admin();
    const people = [await person(), await person(), await person(), await person()];
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await boss.users.listUsers({ pageSize: 2, pageToken });
      seen.push(...page.users.map(({ id }) => id));
      pageToken = page.nextPageToken;
      await person();
    } while (pageToken !== "");
    expect(seen.slice(0, 4)).toEqual(people.map(({ id }) => id).reverse());
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(5);
  });

  for (const [name, request] of [
    ["a page size below 0", { pageSize: -1 }],
    ["an unknown state", { state: 99 as userv1.UserState }],
    ["a token that was made up", { pageToken: "AAAA" }],
    ["a token that is too long", { pageToken: "A".repeat(1025) }],
  ] as const) {
    test(`with ${name} is refused`, async () => {
      const { admin } = await serveUsers();
      await expect((await admin()).users.listUsers(request)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    });
  }

  test("does not go on by the token of another, or of a changed one", async () => {
    const { admin, person } = await serveUsers();
    const boss = await admin();
    await person();
    const { nextPageToken } = await boss.users.listUsers({ pageSize: 1 });
    const invalid = { code: "INVALID_ARGUMENT", reason: "PAGE_TOKEN_INVALID" };
    const other = { state: userv1.UserState.ACTIVE, pageToken: nextPageToken };
    await expect(boss.users.listUsers(other)).rejects.toMatchObject(invalid);
    const changed = nextPageToken.slice(0, -2) + (nextPageToken.endsWith("AA") ? "BB" : "AA");
    await expect(boss.users.listUsers({ pageToken: changed })).rejects.toMatchObject(invalid);
  });

  test("of a huge size is cut", async () => {
    const { admin } = await serveUsers();
    expect((await (await admin()).users.listUsers({ pageSize: 2_147_483_647 })).users).toHaveLength(1);
  });
});

describe("bad input is refused by its field", () => {
  const good = { requestId: randomUuid(), email: "ada@example.com", password: PASSWORD, displayName: "Ada" };
  for (const [field, bad] of [
    ["request_id", { requestId: "" }],
    ["request_id", { requestId: "not-a-uuid" }],
    ["request_id", { requestId: "x".repeat(10_000) }],
    ["email", { email: "" }],
    ["email", { email: "ada" }],
    ["email", { email: `${"a".repeat(250)}@b.c` }],
    ["password", { password: "short" }],
    ["password", { password: "x".repeat(129) }],
    ["password", { password: "password\u000012345" }],
    ["display_name", { displayName: "" }],
    ["display_name", { displayName: "x".repeat(101) }],
    ["display_name", { displayName: "A\u0000" }],
  ] as const) {
    test(`CreateUser ${JSON.stringify(bad).slice(0, 40)}`, async () => {
      const { anonymous } = await serveUsers();
      await expect(anonymous.users.createUser({ ...good, ...bad })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        violations: expect.arrayContaining([expect.objectContaining({ field })]),
      });
    });
  }

  test("everywhere else", async () => {
    const { anonymous, admin } = await serveUsers();
    const boss = await admin();
    const requestId = randomUuid();
    const updateMask = { paths: ["display_name"] };
    for (const call of [
      () => boss.users.getUser({ userId: "1" }),
      () => boss.users.getUser({}),
      () => boss.users.deleteUser({ requestId, userId: "1; drop table users" }),
      () => boss.users.blockUser({ userId: STRANGER }),
      () => boss.users.updateUser({ requestId, updateMask }),
      () => boss.users.updateUser({ requestId, user: {}, updateMask }),
      () => boss.users.updateUser({ requestId, user: { id: "1" }, updateMask }),
      () => boss.users.updateUser({ requestId, user: { id: STRANGER } }),
      () => boss.users.updateUser({ requestId, user: { id: STRANGER }, updateMask: { paths: [] } }),
      () => boss.users.updateUser({ requestId, user: { id: STRANGER, etag: "x".repeat(65) }, updateMask }),
      () => boss.sessions.deleteSession({ requestId, sessionId: "" }),
      () => anonymous.sessions.createSession({}),
      () => anonymous.sessions.createSession({ email: "ada@example.com", password: "x".repeat(129) }),
      () => anonymous.sessions.refreshSession({ requestId, refreshToken: "" }),
      () => anonymous.sessions.refreshSession({ requestId, refreshToken: "x".repeat(513) }),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        violations: expect.arrayContaining([expect.anything()]),
      });
    }
  });
});

test("too many log-ins at once are refused, the others served", async () => {
  const queue = createWorkQueue({ concurrency: 1, maxWaiting: 2 });
  const { anonymous } = await serveUsers({
    passwords: createPasswords({ cost: { ...CHEAP, memoryKiB: 8192 }, queue }),
  });
  const credentials = { email: "ada@example.com", password: PASSWORD };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, () => anonymous.sessions.createSession(credentials)),
  );
  const reasons = outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.reason);
  expect(reasons.filter((reason) => reason === "WRONG_CREDENTIALS").length).toBeGreaterThanOrEqual(3);
  const overloaded = outcomes.find(
    (outcome) => outcome.status === "rejected" && outcome.reason.reason === "OVERLOADED",
  );
  expect(overloaded).toMatchObject({ reason: { code: "RESOURCE_EXHAUSTED", retryDelayMs: 1000 } });
});
