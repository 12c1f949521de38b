import * as orderv1 from "@tenon/contracts/order/v1";
import { sql } from "kysely";
import { v4 as uuidv4 } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveOrders } from "./order-server-fixture.ts";

let wire: Awaited<ReturnType<typeof serveOrders>>;
let near: ReturnType<typeof wire.createReplica>;
let far: ReturnType<typeof wire.createReplica>;
beforeAll(async () => {
  wire = await serveOrders();
  [near, far] = [wire.createReplica(), wire.createReplica()];
});
afterAll(async () => {
  await Promise.all([near.close(), far.close()]);
  await wire.close();
});

const { PENDING, CANCELLING, CANCELLED, CONFIRMED } = orderv1.OrderState;

async function collect(responses: AsyncIterable<orderv1.WatchOrderResponse>): Promise<[orderv1.OrderState, bigint][]> {
  const seen: [orderv1.OrderState, bigint][] = [];
  for await (const { order } of responses) if (order) seen.push([order.state, order.version]);
  return seen;
}

const cancel = (orderId: string) => far.orders.cancelOrder({ requestId: uuidv4(), orderId }, wire.me);

test("a watcher sees the order as it is, then what another replica makes of it, until it is final", async () => {
  const { id } = await wire.place();
  const seen: [orderv1.OrderState, bigint][] = [];
  for await (const { order } of near.orders.watchOrder({ orderId: id }, wire.me)) {
    if (order === undefined) continue;
    seen.push([order.state, order.version]);
    if (order.state === PENDING) await cancel(id);
    if (order.state === CANCELLING) await wire.work();
  }
  expect(seen).toEqual([
    [PENDING, 1n],
    [CANCELLING, 2n],
    [CANCELLED, 3n],
  ]);
});

test("who comes back goes on behind the version that he saw last", async () => {
  const { id } = await wire.place();
  await cancel(id);
  const watched = collect(near.orders.watchOrder({ orderId: id, afterVersion: 2n }, wire.me));
  await wire.work();
  expect(await watched).toEqual([[CANCELLED, 3n]]);
});

test("a final order is shown once, or not at all to who has seen it", async () => {
  const { id } = await wire.place();
  await cancel(id);
  await wire.work();
  expect(await collect(near.orders.watchOrder({ orderId: id }, wire.me))).toEqual([[CANCELLED, 3n]]);
  expect(await collect(near.orders.watchOrder({ orderId: id, afterVersion: 3n }, wire.me))).toEqual([]);
});

test("a hundred watchers on two replicas all see the end", async () => {
  const { id } = await wire.place();
  const watched = Array.from({ length: 100 }, (_, n) =>
    collect((n % 2 ? near : far).orders.watchOrder({ orderId: id }, wire.me)),
  );
  await cancel(id);
  await wire.work();
  for (const seen of await Promise.all(watched)) {
    expect(seen.at(-1)).toEqual([CANCELLED, 3n]);
    expect(seen.map(([, version]) => version)).toEqual(seen.map(([, version]) => version).toSorted());
  }
});

test("a change while the connection for notifications is lost is seen once it is back", async () => {
  const { id } = await wire.place();
  const first = Promise.withResolvers<void>();
  const watching = (async () => {
    for await (const { order } of near.orders.watchOrder({ orderId: id }, wire.me)) {
      first.resolve();
      if (order?.state === CANCELLING) return order.version;
    }
  })();
  await first.promise;
  // The listeners' sessions end in the same transaction that changes the order: nobody is there to hear of it.
  await wire.db.transaction().execute(async (tx) => {
    await wire.serviceOn(tx as typeof wire.db).cancelOrder(id, wire.user);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'tenon listener'`.execute(tx);
  });
  expect(await watching).toBe(2n);
  await wire.work();
});

test("a watcher who leaves, or whose deadline passes, is forgotten", async () => {
  const { id } = await wire.place();
  await wire.work();
  for await (const { order } of near.orders.watchOrder({ orderId: id }, wire.me)) {
    expect(order?.state).toBe(CONFIRMED);
    break;
  }
  const late = collect(near.orders.watchOrder({ orderId: id }, { ...wire.me, timeoutMs: 200 }));
  await expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
});

test("an order that is placed while a worker runs is driven to CONFIRMED by notifications alone", async () => {
  const replica = wire.createReplica();
  replica.startWorkers();
  try {
    const items = [{ productId: wire.productId, quantity: 1 }];
    const request = { requestId: uuidv4(), items, paymentMethod: "pm_ok" };
    const { order } = await near.orders.createOrder(request, wire.me);
    const watched = far.orders.watchOrder({ orderId: order?.id ?? "" }, wire.me);
    const confirmed = async () => {
      for await (const seen of watched) if (seen.order?.state === CONFIRMED) return true;
      return false;
    };
    expect(await confirmed()).toBe(true);
  } finally {
    await replica.close();
  }
});
