import { StatusError } from "@tenon/errors";
import { databaseFailures } from "@tenon/testing";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { servePayment } from "./payment-server-fixture.ts";

type Served = Awaited<ReturnType<typeof servePayment>>;

const options = { timeoutMs: 10_000 };

const UNAVAILABLE = { code: "UNAVAILABLE", reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1000 };

/** How much there is of all that a payment makes. */
async function countsOf({ db }: Served) {
  const tables = ["payments", "steps", "ledger_entries", "ledger_postings", "outbox"];
  const counts = tables.map(async (table) => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from ${sql.table(table)}`.execute(db);
    return [table, rows[0]?.count];
  });
  return Object.fromEntries(await Promise.all(counts));
}

for (const { name, fail, mend } of databaseFailures({ full: ["ledger_postings", "idempotency"] })) {
  test(`8: ${name}: a payment is UNAVAILABLE, nobody's money is asked for, and it is made once when that is over`, async () => {
    const served = await servePayment();
    const request = served.authorization();
    const before = await countsOf(served);
    await fail(served.db);
    const failure = await served.order.authorizePayment(request, options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StatusError);
    expect(failure).toMatchObject(UNAVAILABLE);
    expect((failure as StatusError).message).not.toMatch(/ledger|idempotency|extend|trigger/);
    expect(served.processor.requests).toBe(0);
    await mend(served.db);
    expect(await countsOf(served)).toEqual(before);
    const { payment } = await served.order.authorizePayment(request, options);
    expect(payment?.amount).toMatchObject(request.amount ?? {});
    expect(served.processor.approved).toHaveLength(1);
  });

  test(`26: ${name} once the processor has taken the money: UNAVAILABLE, no half of it is written, and it is not taken again`, async () => {
    const served = await servePayment();
    const { id: paymentId } = await served.authorized();
    const request = { requestId: crypto.randomUUID(), paymentId };
    let asked: unknown;
    served.processor.faults = {
      async after() {
        served.processor.faults = {};
        asked = await countsOf(served);
        await fail(served.db);
      },
    };
    await expect(served.order.capturePayment(request, options)).rejects.toMatchObject(UNAVAILABLE);
    await mend(served.db);
    expect(await countsOf(served)).toEqual(asked);
    // Its lease could not be given back.
    served.clock.advance(10_000);
    const { payment } = await served.order.capturePayment(request, options);
    expect(payment?.capturedAmount).toEqual(payment?.amount);
    expect(served.processor.approved.map(({ kind }) => kind)).toEqual(["AUTHORIZE", "CAPTURE"]);
    await served.reconcileSome();
    const { rows } = await sql`select from findings`.execute(served.db);
    expect(rows).toEqual([]);
  });
}
