import * as orderv1 from "@tenon/contracts/order/v1";
import { createListener } from "@tenon/database";
import { createClient, createMetadata, createServer, methodsOf } from "@tenon/grpc";
import { standardServer } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { createTestIssuer } from "@tenon/testing";
import { Registry } from "prom-client";
import { v7 as uuidv7 } from "uuid";
import { createOrderWorld } from "./order-fixture.ts";
import { ORDER_CHANNELS, wireOrder } from "./order-wiring.ts";

/** For tests: the order service behind its real chain, without a port, with payments and users that the test controls. */
export async function serveOrders() {
  const world = await createOrderWorld();
  const logger = createLogger({ name: "order", level: "silent" });
  const issuer = createTestIssuer();

  /** One process of several on the same database; `workers` begin with `startWorkers`. */
  function createReplica() {
    const registry = new Registry();
    const listener = createListener({ url: world.url, channels: ORDER_CHANNELS, logger });
    const wired = wireOrder({
      db: world.db,
      listener,
      logger,
      registry,
      secret: Buffer.alloc(32, "order"),
      payments: world.payments,
      users: world.users,
      worker: { pollMs: 60_000 },
    });
    const methods = methodsOf(wired.services);
    const interceptors = standardServer({ logger, registry, methods, auth: issuer.verifiers("order") });
    const server = createServer({ services: wired.services, interceptors });
    const orders = createClient(orderv1.OrderService, { target: server });
    const catalog = createClient(orderv1.CatalogService, { target: server });
    let started = false;
    return {
      ...{ orders, catalog, listener },
      startWorkers() {
        started = true;
        for (const worker of wired.workers) worker.start();
      },
      async close() {
        if (started) await Promise.all(wired.workers.map((worker) => worker.stop()));
        orders.close();
        catalog.close();
        await server.close({ graceMs: 0 });
        await listener.close();
      },
    };
  }

  /** What a caller sends with each call. */
  const as = async (id: string, role: "user" | "admin" = "user") => ({
    metadata: createMetadata({ authorization: `Bearer ${await issuer.userToken({ id, role })}` }),
    timeoutMs: 10_000,
  });

  return {
    ...world,
    createReplica,
    me: await as(world.user.userId),
    stranger: await as(uuidv7()),
    admin: await as(uuidv7(), "admin"),
    service: {
      metadata: createMetadata({
        authorization: `Bearer ${await issuer.serviceToken({ name: "payment", audience: "order" })}`,
      }),
      timeoutMs: 10_000,
    },
  };
}
