import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DescService, MessageInitShape } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as processorv1 from "@tenon/contracts/processor/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { createClient, createMetadata, type Interceptor } from "@tenon/grpc";
import { createServiceTokens, serviceToken } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { type Platform, readPlatformConfig, startPlatform } from "@tenon/platform";
import { freePorts, testDatabase } from "@tenon/testing";
import { type Kysely, type RawBuilder, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

// The whole platform with a processor that goes wrong, each time in the same way. Its statement is the oracle.
const SERVICES = ["user", "order", "payment", "processor"] as const;
const options = { timeoutMs: 10_000 };
const wait = { timeout: 10_000 };
/** For all orders of a test, with a processor that answers the second or third time. */
const LONG_TEST_MS = 60_000;

const undo = new AsyncDisposableStack();
afterAll(() => undo.disposeAsync());

let platform: Platform;
let dataDir: string;
const databases = new Map<string, Kysely<unknown>>();
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tenon-faults-"));
  undo.defer(() => rm(dataDir, { recursive: true }));
  const ports = await freePorts(2 * SERVICES.length);
  const env: Record<string, string> = {
    DATA_DIR: dataDir,
    LOG_LEVEL: "silent",
    PROCESSOR_FAULTS: "allow",
    PAYMENT_PROCESSOR_TIMEOUT: "400ms",
    PAYMENT_STEP_LEASE: "1s",
    PAYMENT_STEP_INTERVAL: "200ms",
  };
  for (const name of SERVICES) {
    const database = await testDatabase({ migrations: [] });
    undo.defer(() => database.close());
    databases.set(name, database.db);
    env[`${name.toUpperCase()}_DATABASE_URL`] = database.url;
    env[`${name.toUpperCase()}_PORT`] = String(ports.pop());
    env[`${name.toUpperCase()}_ADMIN_PORT`] = String(ports.pop());
  }
  platform = await startPlatform({
    config: readPlatformConfig({ env, only: SERVICES.join(",") }),
    loggerOf: ({ name, logLevel }) => createLogger({ name, level: logLevel }),
  });
  undo.defer(() => platform.close());
}, LONG_TEST_MS);

function connect<S extends DescService>(name: (typeof SERVICES)[number], service: S, interceptors: Interceptor[] = []) {
  const { address: target = "" } = platform.services.find((each) => each.name === name) ?? {};
  const client = createClient(service, { target, interceptors });
  undo.defer(() => client.close());
  return client;
}

/** Calls a service in the name of another one, by its key. */
async function as<S extends DescService>(caller: string, name: (typeof SERVICES)[number], service: S) {
  const key = JSON.parse(await readFile(join(dataDir, "keys", `${caller}.jwk.json`), "utf8"));
  return connect(name, service, [serviceToken(createServiceTokens({ name: caller, key }), name)]);
}

async function setFaults(faults?: MessageInitShape<typeof processorv1.FaultsSchema>) {
  const client = await as("payment", "processor", processorv1.FaultService);
  await client.setFaults(faults ? { faults } : {}, options);
}

beforeEach(() => setFaults());

async function newCustomer() {
  const users = connect("user", userv1.UserService);
  const orders = connect("order", orderv1.OrderService);
  const login = { email: `ada-${randomUUID()}@example.com`, password: "correct-horse-battery" };
  await users.createUser({ requestId: randomUUID(), ...login, displayName: "Ada" });
  const { accessToken } = await connect("user", userv1.SessionService).createSession(login);
  const metadata = () => ({ metadata: createMetadata({ authorization: `Bearer ${accessToken}` }) });
  const { products } = await connect("order", orderv1.CatalogService).listProducts({});
  const items = [{ productId: products[0]?.id ?? "", quantity: 1 }];
  return {
    async order(paymentMethod = "pm_ok") {
      const { order } = await orders.createOrder({ requestId: randomUUID(), items, paymentMethod }, metadata());
      return order?.id ?? "";
    },
    get: async (orderId: string) => (await orders.getOrder({ orderId }, metadata())).order,
    cancel: (orderId: string) => orders.cancelOrder({ requestId: randomUUID(), orderId }, metadata()),
    async until(orderId: string, last: orderv1.OrderState) {
      for await (const { order } of orders.watchOrder({ orderId }, { ...metadata(), timeoutMs: LONG_TEST_MS })) {
        if (order?.state === last) return order;
      }
      throw new Error(`order ${orderId} ended in another state than ${last}`);
    },
  };
}

const rowsOf = async <Row>(name: string, query: RawBuilder<Row>): Promise<Row[]> =>
  (await query.execute(databases.get(name) as Kysely<unknown>)).rows;

/** What the processor did about an order's money. */
async function movements(orderId: string) {
  const [payment] = await rowsOf(
    "payment",
    sql<{ id: string; authorization_id: string | null }>`select id, authorization_id from payments
      where order_id = ${orderId} and state <> 'DECLINED'`,
  );
  const authorizationId = payment?.authorization_id ?? null;
  const done = await rowsOf(
    "processor",
    sql<{ kind: string }>`select kind from transactions
      where ${authorizationId}::uuid in (id, authorization_id) and state = 'APPROVED' order by position`,
  );
  return { paymentId: payment?.id ?? "", authorizationId: authorizationId ?? "", kinds: done.map(({ kind }) => kind) };
}

/** The last word of a reconciliation by hand. */
async function reconcile() {
  const client = await as("operator", "payment", paymentv1.ReconciliationService);
  return (await Array.fromAsync(client.reconcile({}, options))).at(-1);
}

const callbacksLeft = () => rowsOf("processor", sql`select id from callbacks`);

test("24: pm_duplicate is told twice by callback, and taken once", async () => {
  const ada = await newCustomer();
  const id = await ada.order("pm_duplicate");
  await ada.until(id, orderv1.OrderState.CONFIRMED);
  await expect.poll(callbacksLeft, wait).toEqual([]);
  expect((await movements(id)).kinds).toEqual(["AUTHORIZE", "CAPTURE"]);
  expect(await reconcile()).toMatchObject({ complete: true, openFindings: 0n });
});

test("26: every answer lost after its commit: each order is charged once", async () => {
  await setFaults({ seed: 1n, timeoutRate: 1 });
  const ada = await newCustomer();
  const ids = await Promise.all([ada.order(), ada.order(), ada.order()]);
  for (const id of ids) {
    await ada.until(id, orderv1.OrderState.CONFIRMED);
    expect((await movements(id)).kinds).toEqual(["AUTHORIZE", "CAPTURE"]);
  }
  expect(await reconcile()).toMatchObject({ complete: true, openFindings: 0n });
});

test("27: a reservation that comes after its order was cancelled is released", async () => {
  await setFaults({ lateRate: 1, lateBy: { nanos: 900_000_000 } });
  const ada = await newCustomer();
  const id = await ada.order();
  await expect.poll(async () => (await movements(id)).paymentId, wait).not.toBe("");
  await ada.cancel(id);
  await ada.until(id, orderv1.OrderState.CANCELLED);
  expect((await movements(id)).kinds).toEqual(["AUTHORIZE", "VOID"]);
  await expect.poll(callbacksLeft, wait).toEqual([]);
  await setFaults();
  expect(await reconcile()).toMatchObject({ complete: true, openFindings: 0n });
});

test(
  "24: failing, silent, late and doubled at once, by a seed: each order is charged once, and all three accounts agree",
  async () => {
    const rates = { errorRate: 0.2, timeoutRate: 0.2, lateRate: 0.2, duplicateCallbackRate: 0.3 };
    await setFaults({ seed: 42n, ...rates, delay: { nanos: 20_000_000 }, lateBy: { nanos: 600_000_000 } });
    const ada = await newCustomer();
    const ids = await Promise.all(Array.from({ length: 12 }, () => ada.order()));
    for (const id of ids) {
      await ada.until(id, orderv1.OrderState.CONFIRMED);
      expect((await movements(id)).kinds).toEqual(["AUTHORIZE", "CAPTURE"]);
    }
    await setFaults();
    expect(await reconcile()).toMatchObject({ complete: true, openFindings: 0n });
  },
  LONG_TEST_MS,
);

test("34: a refund that was made at the processor is in the payment, and the order can give back the rest", async () => {
  const ada = await newCustomer();
  const id = await ada.order();
  const { total } = await ada.until(id, orderv1.OrderState.CONFIRMED);
  const { paymentId, authorizationId } = await movements(id);
  const processor = await as("payment", "processor", processorv1.ProcessorService);
  const amount = { currencyCode: total?.currencyCode ?? "", units: 1n, nanos: 0 };
  await processor.refund({ reference: randomUUID(), authorizationId, amount }, options);
  expect(await reconcile()).toMatchObject({ repairs: 1n, openFindings: 0n });
  const order = await as("order", "payment", paymentv1.PaymentService);
  expect((await order.getPayment({ paymentId }, options)).payment).toMatchObject({
    state: paymentv1.PaymentState.PARTIALLY_REFUNDED,
    refundedAmount: amount,
  });
  await expect.poll(async () => (await ada.get(id))?.refunded, wait).toMatchObject(amount);
  await ada.cancel(id);
  const refunded = await ada.until(id, orderv1.OrderState.REFUNDED);
  expect(refunded.refunded).toEqual(total);
  expect((await movements(id)).kinds).toEqual(["AUTHORIZE", "CAPTURE", "REFUND", "REFUND"]);
  expect(await reconcile()).toMatchObject({ complete: true, openFindings: 0n });
});
