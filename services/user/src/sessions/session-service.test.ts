import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createPasswords } from "../passwords/passwords.ts";
import { CHEAP, PASSWORD, type UserRulesOptions, userRules } from "../user-fixture.ts";
import { sealRefreshToken, writeRefreshToken } from "./refresh-token.ts";

const HOUR = 3_600_000;
const invalid = { code: "UNAUTHENTICATED", reason: "TOKEN_INVALID" };
const wrong = { code: "UNAUTHENTICATED", reason: "WRONG_CREDENTIALS" };

/** A user who has just logged in. */
async function loggedIn(options: UserRulesOptions = {}) {
  const rules = await userRules(options);
  const ada = await rules.signUp({ email: "ada@example.com" });
  const grant = await rules.logIn("ada@example.com");
  return { ...rules, ada, grant, refresh: rules.sessions.refreshSession };
}

describe("a log-in", () => {
  test("takes the email in whatever case", async () => {
    const { ada, logIn } = await loggedIn();
    expect(await logIn("ADA@example.COM")).toMatchObject({ userId: ada.id, role: "USER", repeated: false });
  });

  for (const [name, email, password] of [
    ["a wrong password", "ada@example.com", "wrong password"],
    ["the right password in another case", "ada@example.com", PASSWORD.toUpperCase()],
    ["an unknown email", "bob@example.com", PASSWORD],
    ["what is no email", "ada", PASSWORD],
    ["an email with a null", "ada\u0000@example.com", PASSWORD],
    ["a pattern", "%@example.com", PASSWORD],
    ["a password with a null", "ada@example.com", `${PASSWORD}\u0000`],
  ] as const) {
    test(`refuses ${name}, always in the same words`, async () => {
      const { logIn } = await loggedIn();
      const refused = await logIn(email, password).catch((error) => error);
      expect(refused).toMatchObject({ ...wrong, message: "email and password do not match" });
    });
  }

  test("makes a hash by older parameters anew", async () => {
    const old = createPasswords({ cost: { ...CHEAP, passes: 2 } });
    const { db, inTransaction, logIn } = await userRules();
    const passwordHash = await old.hash(PASSWORD, { field: "password" });
    await inTransaction((users) => users.createUser({ email: "ada@example.com", displayName: "Ada", passwordHash }));
    await logIn("ada@example.com");
    const { password_hash } = await db.selectFrom("users").select("password_hash").executeTakeFirstOrThrow();
    expect(password_hash).toMatch(/m=8,t=1,p=1/);
    await logIn("ada@example.com");
  });

  for (const [name, meanwhile] of [
    ["the password was changed", { password_hash: "another" }],
    ["the user was blocked", { state: "BLOCKED" as const }],
  ] as const) {
    test(`that was proved before ${name} yields no session`, async () => {
      const { db, credentials, sessions, grant } = await loggedIn();
      const proved = await credentials.prove({ email: "ada@example.com", password: PASSWORD });
      await db.updateTable("users").set(meanwhile).execute();
      await expect(sessions.startSession(proved)).rejects.toMatchObject(wrong);
      expect(await db.selectFrom("sessions").select("id").execute()).toEqual([{ id: grant.sessionId }]);
    });
  }

  test("beyond the limit ends the oldest session", async () => {
    const { grant, logIn, refresh } = await loggedIn({ sessionLimits: { maxPerUser: 2 } });
    const second = await logIn("ada@example.com");
    const third = await logIn("ada@example.com");
    await expect(refresh(grant.refreshToken)).rejects.toMatchObject(invalid);
    await refresh(second.refreshToken);
    await refresh(third.refreshToken);
  });
});

describe("a refresh", () => {
  test("rotates the token and keeps the session", async () => {
    const { clock, grant, refresh } = await loggedIn();
    clock.advance(HOUR);
    const next = await refresh(grant.refreshToken);
    expect(next).toMatchObject({ sessionId: grant.sessionId, userId: grant.userId, grantedAt: clock.now() });
    expect(next.refreshToken).not.toBe(grant.refreshToken);
    await refresh(next.refreshToken);
  });

  test("that is repeated within 10 s is answered alike", async () => {
    const { clock, grant, refresh } = await loggedIn();
    const first = await refresh(grant.refreshToken);
    for (const pause of [0, 5000, 5000]) {
      clock.advance(pause);
      expect(await refresh(grant.refreshToken)).toEqual({ ...first, repeated: true });
    }
    await refresh(first.refreshToken);
  });

  test("many times at once yields one successor", async () => {
    const { grant, refresh } = await loggedIn();
    const grants = await Promise.all(Array.from({ length: 8 }, () => refresh(grant.refreshToken)));
    expect(new Set(grants.map(({ refreshToken }) => refreshToken)).size).toBe(1);
    expect(grants.filter(({ repeated }) => !repeated)).toHaveLength(1);
  });

  test("that is repeated later ends the session, for whoever has the successor too", async () => {
    const { clock, grant, refresh, db } = await loggedIn();
    const { refreshToken } = await refresh(grant.refreshToken);
    clock.advance(10_001);
    await expect(refresh(grant.refreshToken)).rejects.toMatchObject(invalid);
    await expect(refresh(refreshToken)).rejects.toMatchObject(invalid);
    expect(await db.selectFrom("sessions").select("id").execute()).toEqual([]);
  });

  test("by a token whose successor was used ends the session, also at once", async () => {
    const { grant, refresh } = await loggedIn();
    const second = await refresh(grant.refreshToken);
    const third = await refresh(second.refreshToken);
    await expect(refresh(grant.refreshToken)).rejects.toMatchObject(invalid);
    await expect(refresh(third.refreshToken)).rejects.toMatchObject(invalid);
  });

  test("ends no other session of the user", async () => {
    const { clock, grant, refresh, logIn } = await loggedIn();
    const other = await logIn("ada@example.com");
    await refresh(grant.refreshToken);
    clock.advance(HOUR);
    await expect(refresh(grant.refreshToken)).rejects.toMatchObject(invalid);
    await refresh(other.refreshToken);
  });

  test("by a token made up for a known session does not end it", async () => {
    const { grant, refresh } = await loggedIn();
    const forged = writeRefreshToken(sealRefreshToken(grant.sessionId, randomBytes(32), randomBytes(32)));
    await expect(refresh(forged)).rejects.toMatchObject(invalid);
    await refresh(grant.refreshToken);
  });

  for (const [name, token] of [
    ["nothing", ""],
    ["a word", "token"],
    ["a token of no session", writeRefreshToken(sealRefreshToken(randomUuid(), randomBytes(32), randomBytes(32)))],
    ["107 other characters", "%".repeat(107)],
    ["a null", "\u0000".repeat(107)],
  ] as const) {
    test(`by ${name} is refused`, async () => {
      const { refresh } = await loggedIn();
      await expect(refresh(token)).rejects.toMatchObject(invalid);
    });
  }

  test("shows the role of now", async () => {
    const { db, grant, refresh } = await loggedIn();
    await db.updateTable("users").set({ role: "ADMIN" }).execute();
    expect((await refresh(grant.refreshToken)).role).toBe("ADMIN");
  });
});

describe("a session ends", () => {
  const sessionLimits = { maxAgeMs: 10 * HOUR, maxIdleMs: 4 * HOUR };
  const expired = { code: "UNAUTHENTICATED", reason: "TOKEN_EXPIRED" };

  test("when nobody refreshes it for long", async () => {
    const { clock, grant, refresh } = await loggedIn({ sessionLimits });
    clock.advance(4 * HOUR - 1);
    const { refreshToken } = await refresh(grant.refreshToken);
    clock.advance(4 * HOUR);
    await expect(refresh(refreshToken)).rejects.toMatchObject(expired);
  });

  test("when it is old, however often it was refreshed", async () => {
    const { clock, grant, refresh } = await loggedIn({ sessionLimits });
    let token = grant.refreshToken;
    for (let round = 0; round < 3; round++) {
      clock.advance(3 * HOUR);
      token = (await refresh(token)).refreshToken;
    }
    clock.advance(HOUR);
    await expect(refresh(token)).rejects.toMatchObject(expired);
  });

  test("when its user says so, and nobody else's", async () => {
    const { sessions, grant, ada, refresh, signUp } = await loggedIn();
    const bob = await signUp();
    const notAllowed = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" };
    await expect(sessions.endSession(grant.sessionId, bob.id)).rejects.toMatchObject(notAllowed);
    await expect(sessions.endSession(ada.id, ada.id)).rejects.toMatchObject(notAllowed);
    await sessions.endSession(grant.sessionId, ada.id);
    await expect(refresh(grant.refreshToken)).rejects.toMatchObject(invalid);
    await expect(sessions.endSession(grant.sessionId, ada.id)).rejects.toMatchObject(notAllowed);
  });
});

test("no token is stored, nor anything that one can be made of by itself", async () => {
  const { db, grant } = await loggedIn();
  const stored = JSON.stringify(await db.selectFrom("sessions").selectAll().execute(), (_, value) =>
    value?.type === "Buffer" ? Buffer.from(value.data).toString("base64url") : value,
  );
  const token = Buffer.from(grant.refreshToken, "base64url");
  expect(stored).not.toContain(grant.refreshToken);
  expect(stored).not.toContain(token.subarray(16, 48).toString("base64url"));
});

function randomUuid() {
  return "0199a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
}
