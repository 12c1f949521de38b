import { createLogger } from "@tenon/logger";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createOrderWorld } from "./order-fixture.ts";
import { orderGauges } from "./order-gauges.ts";

test("open orders are counted by state, and the oldest one's age is told", async () => {
  const world = await createOrderWorld();
  try {
    const registry = new Registry();
    orderGauges({ db: world.db, registry, logger: createLogger({ name: "test" }) });
    const values = async () => (await registry.metrics()).split("\n").filter((line) => /^order_/.test(line));
    expect(await values()).toEqual(["order_oldest_open_seconds 0"]);

    const cancelled = await world.place();
    await world.place();
    await world.cancel(cancelled.id);
    await world.db
      .updateTable("orders")
      .set({ created_at: new Date(Date.now() - 90_000) })
      .execute();
    const [oldest, ...open] = (await values()).sort();
    expect(open).toEqual(['order_open_orders{state="CANCELLING"} 1', 'order_open_orders{state="PENDING"} 1']);
    expect(Number(oldest?.split(" ")[1])).toBeGreaterThanOrEqual(90);
    await world.work();
    expect(await values()).toEqual(["order_oldest_open_seconds 0"]);
  } finally {
    await world.close();
  }
});
