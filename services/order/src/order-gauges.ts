import { withSignal } from "@tenon/database";
import type { Logger } from "@tenon/logger";
import { sampledGauge } from "@tenon/runtime";
import { type Kysely, sql } from "kysely";
import type { Registry } from "prom-client";
import type { Tables } from "./order-tables.ts";

export interface OrderGaugesOptions {
  db: Kysely<Tables>;
  registry: Registry;
  logger: Logger;
}

/** What the business waits for. Each replica tells the same, of the one database: take the maximum, not the sum. */
export function orderGauges({ db, registry, logger }: OrderGaugesOptions): void {
  sampledGauge({
    name: "order_open_orders",
    help: "Orders that something is still to be done for, by their state.",
    label: "state",
    ...{ registry, logger },
    async sample(signal) {
      const rows = await withSignal(db, signal)
        .selectFrom("orders")
        .select(["state", ({ fn }) => fn.countAll<string>().as("count")])
        .where("next_attempt_at", "is not", null)
        .groupBy("state")
        .execute();
      return rows.map(({ state, count }) => ({ of: state, value: Number(count) }));
    },
  });
  sampledGauge({
    name: "order_oldest_open_seconds",
    help: "Age of the oldest order that something is still to be done for; 0 where there is none.",
    ...{ registry, logger },
    async sample(signal) {
      const row = await withSignal(db, signal)
        .selectFrom("orders")
        .select(sql<string>`coalesce(extract(epoch from now() - min(created_at)), 0)`.as("seconds"))
        .where("next_attempt_at", "is not", null)
        .executeTakeFirstOrThrow();
      return [{ value: Math.max(0, Number(row.seconds)) }];
    },
  });
}
