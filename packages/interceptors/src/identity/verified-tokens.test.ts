import fc from "fast-check";
import { expect, test } from "vitest";
import { createTestClock } from "./token-fixture.ts";
import type { TokenVerifier, VerifiedToken } from "./token-verifier.ts";
import { rememberVerified } from "./verified-tokens.ts";

/** Accepts every token, for as long as its text says, and counts. */
function countingVerifier(now: () => Date) {
  let verifications = 0;
  let keyHolds = true;
  const verifier: TokenVerifier = {
    async verify(token): Promise<VerifiedToken> {
      verifications += 1;
      const expiresAt = Number(token);
      if (now().getTime() >= expiresAt || !keyHolds) throw new Error("refused");
      return {
        principal: { kind: "user", id: token, role: "user", sessionId: "s" },
        expiresAt,
        keyHolds: () => keyHolds,
      };
    },
  };
  return {
    verifier,
    count: () => verifications,
    dropKey: () => {
      keyHolds = false;
    },
  };
}

test("a token is verified once, and from then on without a promise", async () => {
  const clock = createTestClock();
  const counting = countingVerifier(clock.now);
  const remembered = rememberVerified(counting.verifier, { now: clock.now });
  const token = String(clock.now().getTime() + 1000);
  await remembered.verify(token);
  expect(remembered.verify(token)).toMatchObject({ principal: { id: token } });
  expect(counting.count()).toBe(1);
});

test("a token whose key is gone is verified anew, and refused", async () => {
  const clock = createTestClock();
  const counting = countingVerifier(clock.now);
  const remembered = rememberVerified(counting.verifier, { now: clock.now });
  const token = String(clock.now().getTime() + 1000);
  await remembered.verify(token);
  counting.dropKey();
  await expect(async () => remembered.verify(token)).rejects.toThrow("refused");
});

test("no more tokens are kept than asked for, the latest of them", async () => {
  const clock = createTestClock();
  const counting = countingVerifier(clock.now);
  const remembered = rememberVerified(counting.verifier, { now: clock.now, maxTokens: 2 });
  const tokens = [1, 2, 3].map((n) => String(clock.now().getTime() + n * 1000));
  for (const token of tokens) await remembered.verify(token);
  for (const token of tokens.slice(1)) await remembered.verify(token);
  expect(counting.count()).toBe(3);
  await remembered.verify(tokens[0] as string);
  expect(counting.count()).toBe(4);
});

test("whatever is asked in whatever order, no token is accepted at or after its expiry", async () => {
  const lifetimesMs = fc.integer({ min: 1, max: 50 });
  const step = fc.oneof(
    fc.record({ ask: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ advanceMs: fc.integer({ min: 0, max: 20 }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(lifetimesMs, { minLength: 5, maxLength: 5 }),
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      async (lifetimes, steps, maxTokens) => {
        const clock = createTestClock();
        const remembered = rememberVerified(countingVerifier(clock.now).verifier, { now: clock.now, maxTokens });
        const expiries = lifetimes.map((lifetime) => clock.now().getTime() + lifetime);
        for (const one of steps) {
          if ("advanceMs" in one) {
            clock.advance(one.advanceMs);
            continue;
          }
          const expiresAt = expiries[one.ask] as number;
          const accepted = await Promise.resolve()
            .then(() => remembered.verify(String(expiresAt)))
            .then(
              () => true,
              () => false,
            );
          expect(accepted).toBe(clock.now().getTime() < expiresAt);
        }
      },
    ),
  );
});
