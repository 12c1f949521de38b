import type { StatusError } from "@tenon/errors";
import { databaseFailures } from "@tenon/testing";
import { v4 as uuidv4 } from "uuid";
import { expect, onTestFinished, test } from "vitest";
import { serveOrders } from "./order-server-fixture.ts";

for (const { name, fail, mend } of databaseFailures({ full: ["order_items"] })) {
  test(`8: ${name}: an order is UNAVAILABLE with nothing half done, and placed once when that is over`, async () => {
    const world = await serveOrders();
    const { orders, close } = world.createReplica();
    onTestFinished(async () => {
      await close();
      await world.close();
    });
    const items = [{ productId: world.productId, quantity: 1 }];
    const request = { requestId: uuidv4(), items, paymentMethod: "pm_ok" };
    await fail(world.db);
    const failure = await orders.createOrder(request, world.me).catch((error: StatusError) => error);
    expect(failure).toMatchObject({ code: "UNAVAILABLE", reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1000 });
    expect(String((failure as StatusError).message)).not.toMatch(/order_items|extend|trigger/);
    await mend(world.db);
    expect((await orders.listOrders({}, world.me)).orders).toEqual([]);
    const { order } = await orders.createOrder(request, world.me);
    expect((await orders.listOrders({}, world.me)).orders).toEqual([order]);
  });
}
