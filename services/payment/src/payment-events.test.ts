import { fromBinary } from "@bufbuild/protobuf";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { testDatabase } from "@tenon/testing";
import { sql } from "kysely";
import { afterAll, expect, test } from "vitest";
import { createPayments, usd } from "./payment-fixture.ts";
import type { Tables } from "./payment-tables.ts";
import { paymentMigrations } from "./server.ts";

const database = await testDatabase<Tables>({ migrations: paymentMigrations });
afterAll(() => database.close());
const { db } = database;
const payments = createPayments(db);

async function toldOf(paymentId: string): Promise<paymentv1.PaymentEvent[]> {
  const { rows } = await sql<{ message: Buffer }>`
    select message from outbox where aggregate_id = ${paymentId} order by version`.execute(db);
  return rows.map(({ message }) => fromBinary(paymentv1.PaymentEventSchema, message));
}

test("20, 36: each transition of a payment has one event, with the state after it", async () => {
  const { id } = await payments.captured(1000n);
  await payments.refund(id, 300n);
  const last = await payments.refund(id, 700n);
  const told = await toldOf(id);
  const { AUTHORIZING, AUTHORIZED, CAPTURING, CAPTURED, PARTIALLY_REFUNDED, REFUNDED } = paymentv1.PaymentState;
  const states = [AUTHORIZING, AUTHORIZED, CAPTURING, CAPTURED, PARTIALLY_REFUNDED, REFUNDED];
  expect(told.map(({ payment }) => payment?.state)).toEqual(states);
  expect(told.map(({ version }) => version)).toEqual(states.map((_, index) => BigInt(index + 1)));
  expect(told.at(-1)?.version).toBe(last.version);
  expect(told.at(-1)?.payment?.refundedAmount?.units).toBe(usd(10n).minor);
});

test("36: what is refused leaves no event", async () => {
  const { id } = await payments.authorize();
  const before = await toldOf(id);
  await expect(payments.refund(id, 1n)).rejects.toMatchObject({ reason: "PAYMENT_STATE_CONFLICT" });
  expect(await toldOf(id)).toEqual(before);
});

test("59: how somebody pays is in no event", async () => {
  await payments.authorize({ paymentMethod: "pm_secret_canary" }).catch(() => {});
  const { rows } = await sql<{ message: Buffer }>`select message from outbox`.execute(db);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter(({ message }) => message.includes("pm_secret_canary"))).toEqual([]);
});
