import { toBinary } from "@bufbuild/protobuf";
import * as userv1 from "@tenon/contracts/user/v1";
import { v4 as randomUuid } from "uuid";
import { describe, expect, test } from "vitest";
import { PASSWORD } from "./user-fixture.ts";
import { serveUsers, signUp, withTrailers } from "./user-server-fixture.ts";

const notAllowed = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" };

describe("a request id", () => {
  test("1: makes one effect of any number of attempts, answered byte by byte alike", async () => {
    const { anonymous } = await serveUsers();
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

  test("2: at many places at once makes one effect", async () => {
    const { anonymous, db } = await serveUsers();
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
    test(`3: is not taken for another ${Object.keys(changed)}`, async () => {
      const { anonymous } = await serveUsers();
      const request = signUp("ada@example.com");
      await anonymous.users.createUser(request);
      await expect(anonymous.users.createUser({ ...request, ...changed })).rejects.toMatchObject({
        code: "ALREADY_EXISTS",
        reason: "REQUEST_ID_REUSED",
      });
    });
  }

  test("5: of a request that was wrong may be used for the right one", async () => {
    const { anonymous } = await serveUsers();
    const request = signUp("ada@example.com");
    await expect(anonymous.users.createUser({ ...request, displayName: " " })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await anonymous.users.createUser(request);
  });

  test("6: repeats a refusal, also when the email is free again", async () => {
    const { anonymous, person } = await serveUsers();
    const ada = await person();
    const request = signUp(ada.email);
    const taken = { code: "ALREADY_EXISTS", reason: "EMAIL_TAKEN" };
    await expect(anonymous.users.createUser(request)).rejects.toMatchObject(taken);
    await ada.users.deleteUser({ requestId: randomUuid(), userId: ada.id });
    await expect(anonymous.users.createUser(request)).rejects.toMatchObject(taken);
    await anonymous.users.createUser(signUp(ada.email));
  });

  test("makes an update that meets a taken email a refusal that is kept", async () => {
    const { person } = await serveUsers();
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
    const { person, anonymous } = await serveUsers();
    const ada = await person();
    const request = { requestId: randomUuid(), userId: ada.id, oldPassword: PASSWORD, newPassword: "another password" };
    await ada.users.changePassword(request);
    const again = await withTrailers((options) => ada.users.changePassword(request, options));
    expect(again.replayed).toBe(true);
    await anonymous.sessions.createSession({ email: ada.email, password: "another password" });
  });

  test("repeats the end of a session", async () => {
    const { person } = await serveUsers();
    const ada = await person();
    const request = { requestId: randomUuid(), sessionId: ada.session.sessionId };
    await ada.sessions.deleteSession(request);
    await ada.sessions.deleteSession(request);
    await expect(ada.sessions.deleteSession({ ...request, requestId: randomUuid() })).rejects.toMatchObject(notAllowed);
  });

  test("lets a refresh be repeated, byte by byte alike, under whatever request id", async () => {
    const { person, anonymous, clock } = await serveUsers();
    const { session } = await person();
    const request = { requestId: randomUuid(), refreshToken: session.refreshToken };
    clock.advance(5000);
    const first = await withTrailers((options) => anonymous.sessions.refreshSession(request, options));
    clock.advance(9999);
    for (const requestId of [request.requestId, randomUuid()]) {
      const repeated = { ...request, requestId };
      const again = await withTrailers((options) => anonymous.sessions.refreshSession(repeated, options));
      expect([first.replayed, again.replayed]).toEqual([false, true]);
      expect(again.result).toEqual(first.result);
    }
  });
});
