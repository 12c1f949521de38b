import { createHmac, generateKeyPairSync } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import * as userv1 from "@tenon/contracts/user/v1";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { sql } from "kysely";
import { v4 as randomUuid } from "uuid";
import { describe, expect, test } from "vitest";
import { createPasswords } from "./passwords.ts";
import { CHEAP, PASSWORD } from "./user-fixture.ts";
import { signUp, userRig } from "./user-rig.ts";
import { createWorkQueue } from "./work-queue.ts";

const STRANGER = "0199a1b2-0000-7000-8000-000000000000";
const notAllowed = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" };

/** The trailers and the result of a call. */
async function withTrailers<T>(
  call: (options: { onTrailers(trailers: { get(key: string): unknown[] }): void }) => Promise<T>,
) {
  let replayed: unknown[] = [];
  const result = await call({ onTrailers: (trailers) => (replayed = trailers.get("idempotent-replayed")) });
  return { result, replayed: replayed[0] === "true" };
}

test("sign up, log in, see oneself, refresh, log out", async () => {
  const { anonymous, as } = await userRig();
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

describe("an access token", () => {
  test("says who, in which session, as what, for how long, and by which published key", async () => {
    const { person, anonymous, clock } = await userRig();
    const { id, session } = await person();
    const iat = Math.floor(clock.now().getTime() / 1000);
    expect(decodeJwt(session.accessToken)).toEqual({
      iss: "tenon-user",
      aud: "tenon",
      sub: id,
      role: "user",
      sid: session.sessionId,
      iat,
      exp: iat + 900,
    });
    const { alg, kid } = decodeProtectedHeader(session.accessToken);
    const { keys } = await anonymous.keys.listKeys({});
    expect(alg).toBe("EdDSA");
    expect(keys.map((key) => key.kid)).toContain(kid);
    expect(keys[0]).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig" });
    expect(JSON.stringify(keys)).not.toContain('"d"');
  });

  test("that has expired is refused as such", async () => {
    const { person, clock } = await userRig();
    const { users } = await person();
    clock.advance(910_000);
    await expect(users.getMe({})).rejects.toMatchObject({ code: "UNAUTHENTICATED", reason: "TOKEN_EXPIRED" });
  });

  test("outlives the key that signed it, until it expires", async () => {
    const { person, clock, anonymous } = await userRig({ keyRotationMs: 3_600_000 });
    await anonymous.keys.listKeys({});
    clock.advance(3_599_000);
    const { users, session } = await person();
    clock.advance(2000);
    const later = await anonymous.sessions.createSession({ email: "person1@example.com", password: PASSWORD });
    expect(decodeProtectedHeader(later.accessToken).kid).not.toBe(decodeProtectedHeader(session.accessToken).kid);
    clock.advance(890_000);
    await users.getMe({});
  });

  for (const [name, forge] of [
    ["of another key", (claims: object, kid: string) => sign(claims, { alg: "EdDSA", kid })],
    ["of an unknown key", (claims: object) => sign(claims, { alg: "EdDSA", kid: "unknown" })],
    ["without a key", (claims: object) => sign(claims, { alg: "EdDSA" })],
    ["without a signature", async (claims: object) => `${part({ alg: "none" })}.${part(claims)}.`],
    ["signed by the public key as a secret", async (claims: object, kid: string, x: string) => hmac(claims, kid, x)],
    ["that is none", async () => "junk"],
  ] as const) {
    test(`${name} is refused`, async () => {
      const { person, as, anonymous } = await userRig();
      const { session } = await person();
      const { kid = "" } = decodeProtectedHeader(session.accessToken);
      const { keys } = await anonymous.keys.listKeys({});
      const x = keys.find((key) => key.kid === kid)?.x ?? "";
      const token = await forge({ ...decodeJwt(session.accessToken), role: "admin" }, kid, x);
      await expect(as(token).users.getMe({})).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
        reason: "TOKEN_INVALID",
      });
    });
  }
});

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const sign = (claims: object, header: { alg: string; kid?: string }) =>
  new SignJWT({ ...claims }).setProtectedHeader(header).sign(generateKeyPairSync("ed25519").privateKey);
function hmac(claims: object, kid: string, x: string) {
  const text = `${part({ alg: "HS256", kid })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", Buffer.from(x, "base64url")).update(text).digest("base64url")}`;
}

describe("who may call", () => {
  test("nobody without a token gets past the public methods", async () => {
    const { anonymous } = await userRig();
    const request = { requestId: randomUuid(), userId: STRANGER };
    for (const call of [
      () => anonymous.users.getMe({}),
      () => anonymous.users.getUser(request),
      () => anonymous.users.listUsers({}),
      () => anonymous.users.deleteUser(request),
      () => anonymous.users.blockUser(request),
      () => anonymous.sessions.deleteSession({ requestId: randomUuid(), sessionId: STRANGER }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "UNAUTHENTICATED", reason: "TOKEN_MISSING" });
    }
  });

  test("a user reaches himself and no other, there or not", async () => {
    const { person } = await userRig();
    const [ada, bob] = [await person(), await person()];
    for (const userId of [bob.id, STRANGER]) {
      const request = { requestId: randomUuid(), userId };
      for (const call of [
        () => ada.users.getUser(request),
        () => ada.users.deleteUser(request),
        () =>
          ada.users.updateUser({
            ...request,
            user: { id: userId, displayName: "X" },
            updateMask: { paths: ["display_name"] },
          }),
        () => ada.users.changePassword({ ...request, oldPassword: PASSWORD, newPassword: PASSWORD }),
        () => ada.users.blockUser(request),
        () => ada.users.unblockUser(request),
        () => ada.users.listUsers({}),
        () => ada.sessions.deleteSession({ requestId: randomUuid(), sessionId: bob.session.sessionId }),
      ]) {
        await expect(call()).rejects.toMatchObject(notAllowed);
      }
    }
    expect((await bob.users.getMe({})).user?.displayName).toBe("Ada");
  });

  test("an admin reaches all, and learns who is not there", async () => {
    const { admin, person } = await userRig();
    const [boss, ada] = [await admin(), await person()];
    expect((await boss.users.getUser({ userId: ada.id })).user?.id).toBe(ada.id);
    const unknown = { requestId: randomUuid(), userId: STRANGER };
    await expect(boss.users.getUser(unknown)).rejects.toMatchObject({ code: "NOT_FOUND", reason: "USER_NOT_FOUND" });
    const { user } = await boss.users.blockUser({ requestId: randomUuid(), userId: ada.id });
    expect(user?.state).toBe(userv1.UserState.BLOCKED);
    await expect(
      boss.users.changePassword({
        requestId: randomUuid(),
        userId: ada.id,
        oldPassword: PASSWORD,
        newPassword: PASSWORD,
      }),
    ).rejects.toMatchObject(notAllowed);
  });

  test("order may look a user up, and nothing else; payment may not", async () => {
    const { service, person } = await userRig();
    const [order, payment, ada] = [await service("order"), await service("payment"), await person()];
    expect((await order.users.getUser({ userId: ada.id })).user?.id).toBe(ada.id);
    await expect(order.users.getUser({ userId: STRANGER })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(order.users.getMe({})).rejects.toMatchObject(notAllowed);
    await expect(order.users.deleteUser({ requestId: randomUuid(), userId: ada.id })).rejects.toMatchObject(notAllowed);
    await expect(payment.users.getUser({ userId: ada.id })).rejects.toMatchObject(notAllowed);
  });

  test("nobody becomes admin by naming it", async () => {
    const { person } = await userRig();
    const ada = await person();
    const user = { id: ada.id, displayName: "Countess", role: userv1.Role.ADMIN };
    await expect(
      ada.users.updateUser({ requestId: randomUuid(), user, updateMask: { paths: ["display_name", "role"] } }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const updated = await ada.users
      .updateUser({ requestId: randomUuid(), user, updateMask: { paths: ["*"] } })
      .catch((e) => e);
    expect(updated).toMatchObject({ code: "INVALID_ARGUMENT", violations: [{ field: "user.email" }] });
    expect((await ada.users.getMe({})).user?.role).toBe(userv1.Role.USER);
  });
});

describe("a request id", () => {
  test("makes one effect of any number of attempts, answered byte by byte alike", async () => {
    const { anonymous } = await userRig();
    const request = signUp("ada@example.com");
    const first = await withTrailers((options) => anonymous.users.createUser(request, options));
    const bytes = Buffer.from(toBinary(userv1.CreateUserResponseSchema, first.result));
    expect(first.replayed).toBe(false);
    for (let round = 0; round < 3; round++) {
      const again = await withTrailers((options) => anonymous.users.createUser(request, options));
      expect(Buffer.from(toBinary(userv1.CreateUserResponseSchema, again.result)).equals(bytes)).toBe(true);
      expect(again.replayed).toBe(true);
    }
  });

  test("at many places at once makes one effect", async () => {
    const { anonymous, db } = await userRig();
    const request = signUp("ada@example.com");
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => anonymous.users.createUser(request)));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        expect(outcome.reason).toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS" });
      }
    }
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
    expect(await db.selectFrom("users").select("id").execute()).toHaveLength(1);
  });

  for (const changed of [{ email: "bob@example.com" }, { password: "another password" }, { displayName: "Bob" }]) {
    test(`is not taken for another ${Object.keys(changed)}`, async () => {
      const { anonymous } = await userRig();
      const request = signUp("ada@example.com");
      await anonymous.users.createUser(request);
      await expect(anonymous.users.createUser({ ...request, ...changed })).rejects.toMatchObject({
        code: "ALREADY_EXISTS",
        reason: "REQUEST_ID_REUSED",
      });
    });
  }

  test("of a request that was wrong may be used for the right one", async () => {
    const { anonymous } = await userRig();
    const request = signUp("ada@example.com");
    await expect(anonymous.users.createUser({ ...request, displayName: " " })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await anonymous.users.createUser(request);
  });

  test("repeats a refusal, also when the email is free again", async () => {
    const { anonymous, person } = await userRig();
    const ada = await person();
    const request = signUp(ada.email);
    const taken = { code: "ALREADY_EXISTS", reason: "EMAIL_TAKEN" };
    await expect(anonymous.users.createUser(request)).rejects.toMatchObject(taken);
    await ada.users.deleteUser({ requestId: randomUuid(), userId: ada.id });
    await expect(anonymous.users.createUser(request)).rejects.toMatchObject(taken);
    await anonymous.users.createUser(signUp(ada.email));
  });

  test("makes an update that meets a taken email a refusal that is kept", async () => {
    const { person } = await userRig();
    const [ada, bob] = [await person(), await person()];
    const request = {
      requestId: randomUuid(),
      user: { id: ada.id, email: bob.email.toUpperCase() },
      updateMask: { paths: ["email"] },
    };
    for (let round = 0; round < 2; round++) {
      await expect(ada.users.updateUser(request)).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
    }
  });

  test("lets a change of password be repeated though the old one is wrong by then", async () => {
    const { person, anonymous } = await userRig();
    const ada = await person();
    const request = { requestId: randomUuid(), userId: ada.id, oldPassword: PASSWORD, newPassword: "another password" };
    await ada.users.changePassword(request);
    const again = await withTrailers((options) => ada.users.changePassword(request, options));
    expect(again.replayed).toBe(true);
    await anonymous.sessions.createSession({ email: ada.email, password: "another password" });
  });

  test("repeats the end of a session", async () => {
    const { person } = await userRig();
    const ada = await person();
    const request = { requestId: randomUuid(), sessionId: ada.session.sessionId };
    await ada.sessions.deleteSession(request);
    await ada.sessions.deleteSession(request);
    await expect(ada.sessions.deleteSession({ ...request, requestId: randomUuid() })).rejects.toMatchObject(notAllowed);
  });

  test("lets a refresh be repeated, byte by byte alike", async () => {
    const { person, anonymous, clock } = await userRig();
    const { session } = await person();
    const request = { requestId: randomUuid(), refreshToken: session.refreshToken };
    clock.advance(5000);
    const first = await withTrailers((options) => anonymous.sessions.refreshSession(request, options));
    clock.advance(9999);
    const again = await withTrailers((options) => anonymous.sessions.refreshSession(request, options));
    expect([first.replayed, again.replayed]).toEqual([false, true]);
    expect(again.result).toEqual(first.result);
  });
});

describe("etags", () => {
  test("guard an update, and of many at once one passes", async () => {
    const { person } = await userRig();
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
  test("is read to its end, whoever comes and goes meanwhile", async () => {
    const { admin, person } = await userRig();
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
      const { admin } = await userRig();
      await expect((await admin()).users.listUsers(request)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    });
  }

  test("does not go on by the token of another, or of a changed one", async () => {
    const { admin, person } = await userRig();
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
    const { admin } = await userRig();
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
      const { anonymous } = await userRig();
      await expect(anonymous.users.createUser({ ...good, ...bad })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        violations: expect.arrayContaining([expect.objectContaining({ field })]),
      });
    });
  }

  test("everywhere else", async () => {
    const { anonymous, admin } = await userRig();
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
  const { anonymous } = await userRig({ passwords: createPasswords({ cost: { ...CHEAP, memoryKiB: 8192 }, queue }) });
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

describe("privacy", () => {
  const CANARIES = ["canary-mail@example.com", "canary display", "canary password 1", "canary password 2"];
  const [email = "", displayName = "", password = "", newPassword = ""] = CANARIES;

  test("no password, token, email or name reaches a log line", async () => {
    const { anonymous, as, lines } = await userRig();
    const request = { ...signUp(email), displayName, password };
    const { user } = await anonymous.users.createUser(request);
    await anonymous.users.createUser({ ...request, requestId: randomUuid() }).catch(() => {});
    await anonymous.users.createUser({ ...request, email: `${email} ` }).catch(() => {});
    await anonymous.sessions.createSession({ email, password: newPassword }).catch(() => {});
    const session = await anonymous.sessions.createSession({ email, password });
    const me = as(session.accessToken);
    await me.users.changePassword({
      requestId: randomUuid(),
      userId: user?.id ?? "",
      oldPassword: password,
      newPassword,
    });
    const next = await anonymous.sessions.refreshSession({
      requestId: randomUuid(),
      refreshToken: session.refreshToken,
    });
    const log = lines.join("");
    expect(log).toContain("CreateUser");
    for (const canary of [
      ...CANARIES,
      session.accessToken,
      session.refreshToken,
      next.accessToken,
      next.refreshToken,
    ]) {
      expect(log).not.toContain(canary);
    }
  });

  test("a deleted user's data is nowhere in the database, and his sign-up cannot be repeated", async () => {
    const { anonymous, admin, as, db } = await userRig();
    const request = { ...signUp(email), displayName, password };
    const userId = (await anonymous.users.createUser(request)).user?.id ?? "";
    const session = await anonymous.sessions.createSession({ email, password });
    const me = as(session.accessToken);
    await me.users.updateUser({
      requestId: randomUuid(),
      user: { id: userId, displayName: `${displayName} too` },
      updateMask: { paths: ["display_name"] },
    });
    const boss = await admin();
    await boss.users.blockUser({ requestId: randomUuid(), userId });
    await boss.users.unblockUser({ requestId: randomUuid(), userId });
    await me.users.deleteUser({ requestId: randomUuid(), userId });

    const { rows } = await sql<{ all: string }>`
      select coalesce(string_agg(encode(response, 'escape'), ''), '') || (select string_agg(users::text, '') from users)
        || coalesce((select string_agg(sessions::text, '') from sessions), '') as all from idempotency`.execute(db);
    expect(rows[0]?.all).toContain(userId);
    for (const canary of CANARIES) expect(rows[0]?.all).not.toContain(canary);

    const again = await withTrailers((options) => anonymous.users.createUser(request, options));
    expect(again).toMatchObject({
      replayed: true,
      result: { user: { id: userId, email: "", state: userv1.UserState.DELETED } },
    });
  });

  test("no token and no password is in the database", async () => {
    const { person, anonymous, db } = await userRig();
    const { session } = await person();
    const { refreshToken } = session;
    const next = await anonymous.sessions.refreshSession({ requestId: randomUuid(), refreshToken });
    const { rows } = await sql<{ all: string }>`
      select coalesce((select string_agg(encode(response, 'escape'), '') from idempotency), '')
        || (select string_agg(users::text, '') from users) || (select string_agg(sessions::text, '') from sessions) as all`.execute(
      db,
    );
    for (const secret of [PASSWORD, refreshToken, next.refreshToken, session.accessToken]) {
      expect(rows[0]?.all).not.toContain(secret);
    }
  });
});
