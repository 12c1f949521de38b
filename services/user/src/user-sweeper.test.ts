import { createLogger } from "@tenon/logger";
import { expect, test } from "vitest";
import { userRules } from "./user-fixture.ts";
import { createUserSweeper } from "./user-sweeper.ts";

const DAY_MS = 86_400_000;
const logger = createLogger({ name: "user", level: "silent" });

test("expired sessions go after a day, the others stay, and stopping waits for the round", async () => {
  const { db, clock, signUp, logIn } = await userRules({ sessionLimits: { maxIdleMs: DAY_MS } });
  await signUp({ email: "ada@example.com" });
  await logIn("ada@example.com");
  clock.advance(DAY_MS);
  const { sessionId } = await logIn("ada@example.com");
  clock.advance(DAY_MS + 1);
  const sweeper = createUserSweeper({ db, logger, now: clock.now, intervalMs: 5 });
  sweeper.start();
  const left = () => db.selectFrom("sessions").select("id").execute();
  await expect.poll(left).toEqual([{ id: sessionId }]);
  await sweeper.stop();
});

test("a round that fails is told, and the next one comes", async () => {
  const { db, clock } = await userRules();
  const warnings: string[] = [];
  const telling = { ...logger, warn: (_facts: object, message = "") => void warnings.push(message) };
  const broken = () => {
    throw new Error("no clock");
  };
  const sweeper = createUserSweeper({
    db,
    logger: telling,
    now: () => (warnings.length < 2 ? broken() : clock.now()),
    intervalMs: 5,
  });
  sweeper.start();
  await expect.poll(() => warnings.length).toBe(2);
  await sweeper.stop();
});
