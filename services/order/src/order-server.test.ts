import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as orderv1 from "@tenon/contracts/order/v1";
import { createClient } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { testDatabase } from "@tenon/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOrderConfig } from "./config.ts";
import { startOrder } from "./server.ts";

let directory: string;
let env: Record<string, string>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "order-"));
  const key = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const { d: _, ...publicKey } = key;
  env = {
    ...{ DRAIN_WAIT: "0ms", DRAIN_GRACE: "1s" },
    // Nobody listens there: the order service starts without those that it calls.
    ...{ USER_TARGET: "127.0.0.1:1", PAYMENT_TARGET: "127.0.0.1:1" },
    SERVICE_KEY_FILE: join(directory, "order.jwk"),
    SERVICE_JWKS_FILE: join(directory, "services.jwks"),
  };
  await writeFile(join(directory, "order.jwk"), JSON.stringify({ ...key, kid: "order" }));
  await writeFile(join(directory, "services.jwks"), JSON.stringify({ keys: [{ ...publicKey, kid: "order" }] }));
});
afterAll(() => rm(directory, { recursive: true }));

const logger = createLogger({ name: "order", level: "silent" });

const start = (more: Record<string, string>) =>
  startOrder({ config: { ...readOrderConfig({ ...env, ...more }), PORT: 0, ADMIN_PORT: 0 }, logger });

test("it starts on an empty database, with the demo's products where they are asked for", async () => {
  await using database = await testDatabase({ migrations: [] });
  const running = await start({ DATABASE_URL: database.url, DEMO_CATALOG: "true" });
  const catalog = createClient(orderv1.CatalogService, { target: `127.0.0.1:${running.port}` });
  try {
    const { products } = await catalog.listProducts({}, { timeoutMs: 5000 });
    expect(products).toHaveLength(12);
    expect((await fetch(`http://127.0.0.1:${running.adminPort}/readyz`)).status).toBe(200);
  } finally {
    catalog.close();
    await running.close();
  }
});

test("63: it starts with its database down, and is not ready", async () => {
  const running = await start({ DATABASE_URL: "postgres://order:x@127.0.0.1:1/order" });
  try {
    expect((await fetch(`http://127.0.0.1:${running.adminPort}/readyz`)).status).toBe(503);
  } finally {
    await running.close();
  }
});

for (const [name, value] of [
  ["DEMO_CATALOG", "perhaps"],
  ["ORDER_PORT", "70000"],
  ["DATABASE_URL", ""],
] as const) {
  test(`${name}=${value || "nothing"} is refused by name`, () => {
    const read = () => readOrderConfig({ DATABASE_URL: "postgres://x@y/z", [name]: value }, "ORDER");
    expect(read).toThrow(name);
  });
}
