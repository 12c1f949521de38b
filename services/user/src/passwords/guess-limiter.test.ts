import { createManualClock } from "@tenon/testing";
import { expect, test } from "vitest";
import { PASSWORD, userDatabase, userRules } from "../user-fixture.ts";
import { createGuessLimiter } from "./guess-limiter.ts";

const refused = { code: "RESOURCE_EXHAUSTED", reason: "RATE_LIMITED", retryDelayMs: 20_000 };
const threeAMinute = { perSecond: 3 / 60, burst: 3 };

/** Two replicas on one database, and a clock that stands still. */
async function limiters() {
  const { db } = await userDatabase();
  const clock = createManualClock();
  const replica = () => createGuessLimiter({ db, secret: Buffer.alloc(16, 1), now: clock.now, rate: threeAMinute });
  return { db, clock, one: replica(), other: replica() };
}

test("guesses at one account are counted over replicas and however the email is written, others are not touched", async () => {
  const { one, other } = await limiters();
  await one.take("ada@example.com");
  await other.take("ADA@example.com");
  await one.take("ada@example.com");
  await expect(other.take("ada@example.com")).rejects.toMatchObject(refused);
  await other.take("bob@example.com");
});

test("guesses come back one by one", async () => {
  const { clock, one } = await limiters();
  for (let n = 0; n < 3; n++) await one.take("ada@example.com");
  clock.advance(19_999);
  await expect(one.take("ada@example.com")).rejects.toMatchObject(refused);
  clock.advance(1);
  await one.take("ada@example.com");
  await expect(one.take("ada@example.com")).rejects.toMatchObject(refused);
  clock.advance(600_000);
  for (let n = 0; n < 3; n++) await one.take("ada@example.com");
  await expect(one.take("ada@example.com")).rejects.toMatchObject(refused);
});

test("of guesses at once no more pass than there are left", async () => {
  const { one, other } = await limiters();
  const takes = Array.from({ length: 20 }, (_, n) => (n % 2 ? one : other).take("ada@example.com"));
  const outcomes = await Promise.allSettled(takes);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
});

test("no email is kept", async () => {
  const { db, one } = await limiters();
  await one.take("ada@example.com");
  const rows = await db.selectFrom("guesses").selectAll().execute();
  expect(rows.map(({ account }) => account.length)).toEqual([32]);
});

test("a log-in: who guessed too often is refused before the password is looked at, known or not; a right one forgets", async () => {
  const { signUp, logIn } = await userRules({ guesses: threeAMinute });
  await signUp({ email: "ada@example.com" });
  for (const email of ["ada@example.com", "bob@example.com"]) {
    for (let n = 0; n < 3; n++) {
      await expect(logIn(email, "wrong password")).rejects.toMatchObject({ reason: "WRONG_CREDENTIALS" });
    }
    await expect(logIn(email, PASSWORD)).rejects.toMatchObject(refused);
  }
  await signUp({ email: "eve@example.com" });
  for (let n = 0; n < 4; n++) {
    await expect(logIn("eve@example.com", "wrong password")).rejects.toMatchObject({ reason: "WRONG_CREDENTIALS" });
    await logIn("eve@example.com");
  }
});
