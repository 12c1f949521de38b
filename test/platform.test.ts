import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { createClient, createMetadata } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { type Platform, readPlatformConfig, type ServiceName, startPlatform } from "@tenon/platform";
import { freePorts, testDatabase } from "@tenon/testing";
import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SERVICES } from "./fresh-platform.ts";

/** For every step of an order together; a call has its own deadline from the contract. */
const TIMEOUT_MS = 10_000;

const undo = new AsyncDisposableStack();
afterAll(() => undo.disposeAsync());

const databases = new Map<string, Kysely<unknown>>();
let platform: Platform;
beforeAll(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tenon-platform-"));
  undo.defer(() => rm(dataDir, { recursive: true }));
  const ports = await freePorts(2 * SERVICES.length);
  const env: Record<string, string> = {
    DATA_DIR: dataDir,
    LOG_LEVEL: "silent",
    // Long for a capture, short for a test of what expires.
    PAYMENT_AUTHORIZATION_MAX_AGE: "4s",
    PAYMENT_EXPIRY_INTERVAL: "200ms",
  };
  for (const name of SERVICES) {
    const database = await testDatabase({ migrations: [] });
    databases.set(name, database.db);
    undo.defer(() => database.close());
    env[`${name.toUpperCase()}_DATABASE_URL`] = database.url;
    env[`${name.toUpperCase()}_PORT`] = String(ports.pop());
    env[`${name.toUpperCase()}_ADMIN_PORT`] = String(ports.pop());
  }
  platform = await startPlatform({
    config: readPlatformConfig({ env }),
    loggerOf: ({ name, logLevel }) => createLogger({ name, level: logLevel }),
  });
  undo.defer(() => platform.close());
});

const targetOf = (name: ServiceName) => platform.services.find((service) => service.name === name)?.address ?? "";

/** Someone who signed up and logged in, with what they can do. */
async function newCustomer() {
  const users = createClient(userv1.UserService, { target: targetOf("user") });
  const sessions = createClient(userv1.SessionService, { target: targetOf("user") });
  const orders = createClient(orderv1.OrderService, { target: targetOf("order") });
  for (const client of [users, sessions, orders]) undo.defer(() => client.close());

  const email = `ada-${randomUUID()}@example.com`;
  const password = "correct-horse-battery";
  const { user } = await users.createUser({ requestId: randomUUID(), email, password, displayName: "Ada" });
  const { accessToken } = await sessions.createSession({ email, password });
  const authorized = () => ({ metadata: createMetadata({ authorization: `Bearer ${accessToken}` }) });

  return {
    id: user?.id ?? "",
    async order(paymentMethod: string): Promise<orderv1.Order> {
      const items = [{ productId: await anyProduct(), quantity: 2 }];
      const { order } = await orders.createOrder({ requestId: randomUUID(), items, paymentMethod }, authorized());
      return order as orderv1.Order;
    },
    get: (orderId: string) => orders.getOrder({ orderId }, authorized()),
    cancel: (orderId: string) => orders.cancelOrder({ requestId: randomUUID(), orderId }, authorized()),
    watch: (orderId: string) => orders.watchOrder({ orderId }, { ...authorized(), timeoutMs: TIMEOUT_MS }),
    /** Every state that the order is seen in, until it is in the last one. */
    async until(orderId: string, last: orderv1.OrderState): Promise<orderv1.Order> {
      let version = -1n;
      for await (const { order } of this.watch(orderId)) {
        expect(order?.version).toBeGreaterThan(version);
        version = order?.version ?? version;
        if (order?.state === last) return order;
      }
      throw new Error(`order ${orderId} ended in another state than ${last}`);
    },
  };
}

/** Has the admin that the first start made block a user. */
async function block(userId: string): Promise<void> {
  using clients = new DisposableStack();
  const users = clients.adopt(createClient(userv1.UserService, { target: targetOf("user") }), (each) => each.close());
  const sessions = clients.adopt(createClient(userv1.SessionService, { target: targetOf("user") }), (each) =>
    each.close(),
  );
  const { email = "", password = "" } = platform.admin ?? {};
  const { accessToken } = await sessions.createSession({ email, password });
  const metadata = createMetadata({ authorization: `Bearer ${accessToken}` });
  await users.blockUser({ requestId: randomUUID(), userId }, { metadata });
}

async function anyProduct(): Promise<string> {
  const catalog = createClient(orderv1.CatalogService, { target: targetOf("order") });
  try {
    const { products } = await catalog.listProducts({});
    return products[0]?.id ?? "";
  } finally {
    catalog.close();
  }
}

test("an order is paid, and its money comes back when it is cancelled", async () => {
  const ada = await newCustomer();
  const { id, total } = await ada.order("pm_ok");
  const confirmed = await ada.until(id, orderv1.OrderState.CONFIRMED);
  expect(confirmed.refunded?.units ?? 0n).toBe(0n);
  await ada.cancel(id);
  const refunded = await ada.until(id, orderv1.OrderState.REFUNDED);
  expect(refunded.refunded).toEqual(total);
  expect(refunded.paymentId).toBe(confirmed.paymentId);
});

test("an order whose payment is declined fails, and says why", async () => {
  const ada = await newCustomer();
  const { id } = await ada.order("pm_declined");
  const failed = await ada.until(id, orderv1.OrderState.FAILED);
  expect(failed.failure?.reason).toBe("PAYMENT_DECLINED");
});

test("a watch of a final order gives it and ends", async () => {
  const ada = await newCustomer();
  const { id } = await ada.order("pm_declined");
  await ada.until(id, orderv1.OrderState.FAILED);
  const seen = await Array.fromAsync(ada.watch(id));
  expect(seen.map(({ order }) => order?.state)).toEqual([orderv1.OrderState.FAILED]);
});

test("nobody reads, watches or cancels another user's order, and one that does not exist looks the same", async () => {
  const [ada, eve] = await Promise.all([newCustomer(), newCustomer()]);
  const { id } = await ada.order("pm_ok");
  for (const orderId of [id, randomUUID()]) {
    const refused = { code: "PERMISSION_DENIED", reason: "NOT_ALLOWED" };
    await expect(eve.get(orderId)).rejects.toMatchObject(refused);
    await expect(eve.cancel(orderId)).rejects.toMatchObject(refused);
    await expect(Array.fromAsync(eve.watch(orderId))).rejects.toMatchObject(refused);
  }
  await ada.until(id, orderv1.OrderState.CONFIRMED);
});

test("19, 22: a reservation that could not be taken in time expires, and its order fails for that reason", async () => {
  const payments = databases.get("payment") as Kysely<unknown>;
  await sql`alter table payments add constraint nobody_captures check (state <> 'CAPTURING')`.execute(payments);
  const ada = await newCustomer();
  const { id } = await ada.order("pm_ok");
  const failed = await ada
    .until(id, orderv1.OrderState.FAILED)
    .finally(() => sql`alter table payments drop constraint nobody_captures`.execute(payments));
  expect(failed.failure?.reason).toBe("AUTHORIZATION_EXPIRED");
});

test("31, 36: an order whose user is blocked before it is paid is cancelled, because the user service tells", async () => {
  const payments = databases.get("payment") as Kysely<unknown>;
  await sql`alter table payments add constraint nobody_captures check (state <> 'CAPTURING')`.execute(payments);
  const ada = await newCustomer();
  const { id } = await ada.order("pm_ok");
  await ada.until(id, orderv1.OrderState.AUTHORIZED);
  await block(ada.id);
  const cancelled = await ada
    .until(id, orderv1.OrderState.CANCELLED)
    .finally(() => sql`alter table payments drop constraint nobody_captures`.execute(payments));
  expect(cancelled.failure).toBeUndefined();
});

test("36: what happens is told: in the end every outbox is published, and nothing is a dead letter", async () => {
  const unpublished = async () => {
    const counts = ["user", "order", "payment"].map(async (name) => {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from outbox where published_at is null`.execute(
        databases.get(name) as Kysely<unknown>,
      );
      return rows[0]?.count;
    });
    return Promise.all(counts);
  };
  await expect.poll(unpublished, { timeout: TIMEOUT_MS }).toEqual([0, 0, 0]);
  const orders = databases.get("order") as Kysely<unknown>;
  await expect(sql`select error from failed_events`.execute(orders)).resolves.toMatchObject({ rows: [] });
});
