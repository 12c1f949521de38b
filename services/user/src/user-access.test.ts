import { createHmac, generateKeyPairSync } from "node:crypto";
import * as userv1 from "@tenon/contracts/user/v1";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { v4 as randomUuid } from "uuid";
import { describe, expect, test } from "vitest";
import { PASSWORD } from "./user-fixture.ts";
import { serveUsers } from "./user-server-fixture.ts";

const STRANGER = "0199a1b2-0000-7000-8000-000000000000";
const notAllowed = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" };

describe("an access token", () => {
  test("says who, in which session, as what, for how long, and by which published key", async () => {
    const { person, anonymous, clock } = await serveUsers();
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
    const { person, clock } = await serveUsers();
    const { users } = await person();
    clock.advance(910_000);
    await expect(users.getMe({})).rejects.toMatchObject({ code: "UNAUTHENTICATED", reason: "TOKEN_EXPIRED" });
  });

  test("outlives the key that signed it, until it expires", async () => {
    const { person, clock, anonymous } = await serveUsers({ keyRotationMs: 3_600_000 });
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
      const { person, as, anonymous } = await serveUsers();
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
    const { anonymous } = await serveUsers();
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
    const { person } = await serveUsers();
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
    const { admin, person } = await serveUsers();
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
    const { service, person } = await serveUsers();
    const [order, payment, ada] = [await service("order"), await service("payment"), await person()];
    expect((await order.users.getUser({ userId: ada.id })).user?.id).toBe(ada.id);
    await expect(order.users.getUser({ userId: STRANGER })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(order.users.getMe({})).rejects.toMatchObject(notAllowed);
    await expect(order.users.deleteUser({ requestId: randomUuid(), userId: ada.id })).rejects.toMatchObject(notAllowed);
    await expect(payment.users.getUser({ userId: ada.id })).rejects.toMatchObject(notAllowed);
  });

  test("nobody becomes admin by naming it", async () => {
    const { person } = await serveUsers();
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
