import { createMetadata } from "@tenon/grpc";
import { expect, test } from "vitest";
import { KINDS, startGreeter } from "../greeter-fixture.ts";
import { createServiceTokens, serviceToken } from "./service-token.ts";
import { createTestClock, createTestKey, keysOf } from "./token-fixture.ts";
import { createServiceTokenVerifier } from "./token-verifier.ts";

const key = createTestKey("order");

function createRig() {
  const clock = createTestClock();
  const tokens = createServiceTokens({ name: "order", key: key.private, now: clock.now });
  const verifier = createServiceTokenVerifier({ keys: keysOf(key), audience: "payment", now: clock.now });
  return { clock, tokens, verifier };
}

test("a token is accepted by the callee that it is for", async () => {
  const { tokens, verifier } = createRig();
  expect(await verifier.verify(await tokens.tokenFor("payment"))).toMatchObject({ principal: { name: "order" } });
  await expect(async () => verifier.verify(await tokens.tokenFor("user"))).rejects.toMatchObject({
    reason: "TOKEN_INVALID",
  });
});

test("one token serves many calls and is replaced before it expires", async () => {
  const { tokens, clock } = createRig();
  const together = await Promise.all(Array.from({ length: 20 }, () => tokens.tokenFor("payment")));
  expect(new Set(together).size).toBe(1);
  clock.advance(240_000);
  expect(tokens.tokenFor("payment")).toBe(together[0]);
  clock.advance(1000);
  expect(tokens.tokenFor("payment"), "still serves while the next is signed").toBe(together[0]);
  await expect.poll(() => tokens.tokenFor("payment")).not.toBe(together[0]);
});

test("a token that has expired is not used", async () => {
  const { tokens, verifier, clock } = createRig();
  const before = await tokens.tokenFor("payment");
  clock.advance(300_000);
  const after = await tokens.tokenFor("payment");
  expect(after).not.toBe(before);
  expect(await verifier.verify(after)).toMatchObject({ principal: { name: "order" } });
});

for (const [what, bad] of [
  ["a public key", key.public],
  ["an RSA key", { kty: "RSA", d: "AQAB" }],
  ["nothing", {}],
] as const) {
  test(`${what} is refused at once, without being shown`, () => {
    expect(() => createServiceTokens({ name: "order", key: bad as never })).toThrow(
      "the key of service order is not a private Ed25519 JWK",
    );
  });
}

test("a lifetime that callees refuse is refused at once", () => {
  expect(() => createServiceTokens({ name: "order", key: key.private, lifetimeSeconds: 301 })).toThrow("300 s at most");
});

for (const { kind, invoke } of KINDS) {
  test(`a ${kind} call carries the token, unless it has one of its own`, async () => {
    const { tokens } = createRig();
    const seen: unknown[] = [];
    const { greetings } = await startGreeter({
      client: [serviceToken(tokens, "payment")],
      inHandler: (call) => seen.push(...call.requestMetadata.get("authorization")),
    });
    await invoke(greetings);
    await invoke(greetings, { metadata: createMetadata({ authorization: "Bearer users" }) });
    expect(seen).toEqual([`Bearer ${await tokens.tokenFor("payment")}`, "Bearer users"]);
  });
}
