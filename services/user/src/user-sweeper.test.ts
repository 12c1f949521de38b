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
