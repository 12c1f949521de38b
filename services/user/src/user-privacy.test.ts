import * as userv1 from "@tenon/contracts/user/v1";
import { sql } from "kysely";
import { v4 as randomUuid } from "uuid";
import { expect, test } from "vitest";
import { PASSWORD } from "./user-fixture.ts";
import { serveUsers, signUp, withTrailers } from "./user-server-fixture.ts";

const CANARIES = ["canary-mail@example.com", "canary display", "canary password 1", "canary password 2"];
const [email = "", displayName = "", password = "", newPassword = ""] = CANARIES;

test("no password, token, email or name reaches a log line", async () => {
  const { anonymous, as, lines } = await serveUsers();
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
  for (const canary of [...CANARIES, session.accessToken, session.refreshToken, next.accessToken, next.refreshToken]) {
    expect(log).not.toContain(canary);
  }
});

test("a deleted user's data is nowhere in the database, and his sign-up cannot be repeated", async () => {
  const { anonymous, admin, as, db } = await serveUsers();
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
  const { person, anonymous, db } = await serveUsers();
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
