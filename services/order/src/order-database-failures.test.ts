import type { StatusError } from "@tenon/errors";
import { sql } from "kysely";
import { v4 as uuidv4 } from "uuid";
import { expect, onTestFinished, test } from "vitest";
import { serveOrders } from "./order-server-fixture.ts";

type World = Awaited<ReturnType<typeof serveOrders>>;

/** How a database comes to take no changes, and how it comes back. */
const FAILURES: Record<string, { fail(world: World): Promise<void>; mend(world: World): Promise<void> }> = {
  "a read-only database": {
    fail: (world) => setReadOnly(world, "on"),
    mend: (world) => setReadOnly(world, "off"),
  },
  "a full disk": {
    async fail({ db }) {
      await sql`create function fail_full() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`.execute(
        db,
      );
      await sql`create trigger full_disk after insert on order_items for each row execute function fail_full()`.execute(
        db,
      );
    },
    mend: async ({ db }) => void (await sql`drop trigger full_disk on order_items`.execute(db)),
  },
};

/** For all connections from now on, as after a failover to a standby. */
async function setReadOnly({ db }: World, value: "on" | "off"): Promise<void> {
  await db
    .transaction()
    .setAccessMode("read write")
    .execute(async (tx) => {
      const { rows } = await sql<{ name: string }>`select current_database() as name`.execute(tx);
      const database = sql.id(rows[0]?.name ?? "");
      await sql`alter database ${database} set default_transaction_read_only = ${sql.raw(value)}`.execute(tx);
    });
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`.execute(db);
  await sql`select pg_terminate_backend(pg_backend_pid())`.execute(db).catch(() => {});
}

for (const [name, { fail, mend }] of Object.entries(FAILURES)) {
  test(`${name}: an order is UNAVAILABLE with nothing half done, and placed once when that is over`, async () => {
    const world = await serveOrders();
    const { orders, close } = world.createReplica();
    onTestFinished(async () => {
      await close();
      await world.close();
    });
    const items = [{ productId: world.productId, quantity: 1 }];
    const request = { requestId: uuidv4(), items, paymentMethod: "pm_ok" };
    await fail(world);
    const failure = await orders.createOrder(request, world.me).catch((error: StatusError) => error);
    expect(failure).toMatchObject({ code: "UNAVAILABLE", reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1000 });
    expect(String((failure as StatusError).message)).not.toMatch(/order_items|extend|trigger/);
    await mend(world);
    expect((await orders.listOrders({}, world.me)).orders).toEqual([]);
    const { order } = await orders.createOrder(request, world.me);
    expect((await orders.listOrders({}, world.me)).orders).toEqual([order]);
  });
}
