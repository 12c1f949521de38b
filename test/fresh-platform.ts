import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PLATFORM_SERVICES, type ServiceName } from "@tenon/platform";
import { testDatabase } from "@tenon/testing";
import { type PlatformProcess, startPlatformProcess } from "./platform-process.ts";
import { chooseFixedPorts } from "./processes/fixed-ports.ts";

export const SERVICES: readonly ServiceName[] = PLATFORM_SERVICES.map(({ name }) => name);

export interface FreshPlatform extends AsyncDisposable {
  readonly process: PlatformProcess;
  readonly ports: Readonly<Record<ServiceName, number>>;
  readonly adminPorts: Readonly<Record<ServiceName, number>>;
  /** Where it runs with TLS. */
  readonly healthPorts: Readonly<Record<ServiceName, number>>;
}

/** The whole platform as a process of its own, with ports, databases and a directory that nobody else uses. */
export async function startFreshPlatform(env: Readonly<Record<string, string>> = {}): Promise<FreshPlatform> {
  await using undo = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "tenon-fresh-"));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  // Below those of connections: services dial what is down while others have not begun to listen.
  const free = await chooseFixedPorts(3 * SERVICES.length);
  const ports = {} as Record<ServiceName, number>;
  const adminPorts = {} as Record<ServiceName, number>;
  const healthPorts = {} as Record<ServiceName, number>;
  const told: Record<string, string> = {};
  for (const name of SERVICES) {
    ports[name] = free.pop() as number;
    adminPorts[name] = free.pop() as number;
    told[`${name.toUpperCase()}_PORT`] = String(ports[name]);
    told[`${name.toUpperCase()}_ADMIN_PORT`] = String(adminPorts[name]);
    if (name === "gateway") continue;
    healthPorts[name] = free.pop() as number;
    told[`${name.toUpperCase()}_HEALTH_PORT`] = String(healthPorts[name]);
    const database = undo.use(await testDatabase({ migrations: [] }));
    told[`${name.toUpperCase()}_DATABASE_URL`] = database.url;
  }
  const process = undo.use(startPlatformProcess({ dataDir, env: { ...told, ...env } }));
  await process.ready({ timeoutMs: 120_000 });
  const kept = undo.move();
  return { process, ports, adminPorts, healthPorts, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Requests to a gateway. */
export interface Rest {
  /** JSON both ways; throws what came where it was refused. */
  ask(method: string, path: string, body?: unknown, headers?: Headers): Promise<never>;
  /** Signs somebody up, places an order as him, and returns its id once it is paid. */
  placeOrder(headers?: Headers): Promise<string>;
}

type Headers = Readonly<Record<string, string>>;

export function restAt(base: string): Rest {
  async function open(method: string, path: string, headers: Headers, body?: unknown): Promise<Response> {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
  const ask: Rest["ask"] = async (method, path, body, headers = {}) =>
    (await (await open(method, path, headers, body)).json()) as never;

  return {
    ask,
    async placeOrder(headers = {}) {
      const credentials = { email: `ada-${randomUUID()}@example.com`, password: "correct-horse-battery" };
      await ask("POST", "/v1/users", { request_id: randomUUID(), ...credentials, display_name: "Ada" }, headers);
      const { accessToken }: { accessToken: string } = await ask("POST", "/v1/sessions", credentials, headers);
      const own = { ...headers, authorization: `Bearer ${accessToken}` };
      const { products }: { products: { id: string }[] } = await ask("GET", "/v1/products");
      const items = [{ product_id: products[0]?.id, quantity: 1 }];
      const order = { request_id: randomUUID(), items, payment_method: "pm_ok" };
      const { id }: { id: string } = await ask("POST", "/v1/orders", order, own);
      const watched = await open("GET", `/v1/orders/${id}:watch`, { ...own, accept: "application/x-ndjson" });
      let seen = "";
      for await (const part of watched.body ?? []) {
        seen += Buffer.from(part).toString();
        if (seen.includes("ORDER_STATE_CONFIRMED")) return id;
      }
      throw new Error(`the order was not paid: ${seen}`);
    },
  };
}
