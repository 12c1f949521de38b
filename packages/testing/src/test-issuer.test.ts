import { expect, test } from "vitest";
import { createManualClock } from "./manual-clock.ts";
import { createTestIssuer } from "./test-issuer.ts";

test("tokens of users and services pass the verifiers of the same issuer", async () => {
  const issuer = createTestIssuer();
  const { users, services } = issuer.verifiers("payment");
  expect(await users.verify(await issuer.userToken({ id: "ada", role: "admin" }))).toMatchObject({
    principal: { kind: "user", id: "ada", role: "admin", sessionId: "session-1" },
  });
  for (const name of ["order", "processor"]) {
    expect(await services.verify(await issuer.serviceToken({ name, audience: "payment" }))).toMatchObject({
      principal: { kind: "service", name },
    });
  }
});

test("tokens of another issuer, and for another callee, are refused", async () => {
  const issuer = createTestIssuer();
  const { users, services } = issuer.verifiers("payment");
  const elsewhere = await createTestIssuer().userToken({ id: "ada" });
  await expect(async () => users.verify(elsewhere)).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  const forUser = await issuer.serviceToken({ name: "order", audience: "user" });
  await expect(async () => services.verify(forUser)).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
});

test("a token expires by the clock that was passed in, or is made expired", async () => {
  const clock = createManualClock();
  const issuer = createTestIssuer({ now: clock.now });
  const { users } = issuer.verifiers("payment");
  const token = await issuer.userToken({ id: "ada", lifetimeSeconds: 60 });
  clock.advance(64_000);
  expect(await users.verify(token)).toMatchObject({ principal: { id: "ada" } });
  clock.advance(1000);
  await expect(async () => users.verify(token)).rejects.toMatchObject({ reason: "TOKEN_EXPIRED" });
  const expired = await issuer.userToken({ id: "ada", lifetimeSeconds: -60 });
  await expect(async () => users.verify(expired)).rejects.toMatchObject({ reason: "TOKEN_EXPIRED" });
});
