import { databaseFailures } from "@tenon/testing";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { serveUsers, signUp } from "./user-server-fixture.ts";

// The answer of a request is the last that is written of it.
for (const { name, fail, mend } of databaseFailures({ full: ["idempotency"] })) {
  test(`8: ${name}: an account is UNAVAILABLE with nothing half done, and made once when that is over`, async () => {
    const { anonymous, db } = await serveUsers();
    const request = signUp("ada@example.com");
    const counts = async () => {
      const counted = sql<{ users: number; events: number }>`
        select (select count(*) from users)::int as users, (select count(*) from outbox)::int as events`;
      return (await counted.execute(db)).rows[0] ?? { users: -1, events: -1 };
    };
    const before = await counts();
    await fail(db);
    const unavailable = { code: "UNAVAILABLE", reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1000 };
    await expect(anonymous.users.createUser(request)).rejects.toMatchObject(unavailable);
    await mend(db);
    expect(await counts()).toEqual(before);
    await anonymous.users.createUser(request);
    expect(await counts()).toEqual({ users: before.users + 1, events: before.events + 1 });
  });
}
