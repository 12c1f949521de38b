import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import type { ServiceName } from "@tenon/platform";
import { freePorts } from "@tenon/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVICES } from "./fresh-platform.ts";
import { type PlatformProcess, startPlatformProcess } from "./platform-process.ts";
import { createRawClient, type RawClient } from "./raw-client.ts";

// Bounds for a busy machine; what they bound is measured elsewhere.
const READY = { timeoutMs: 30_000 };
const EXIT = { timeoutMs: 15_000 };
/** Orders whose worker was killed are taken up when its leases, of 3 s each, run out. */
const FINAL = { timeoutMs: 8000 };
const LONG_TEST_MS = 60_000;

const grpcurl = spawnSync("grpcurl", ["-version"]).status === 0;

const undo = new AsyncDisposableStack();
afterAll(() => undo.disposeAsync());

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-black-box-"));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

type Places = Record<ServiceName, string>;

/** A free place for everything that listens: as variables, and to call. */
async function newPlaces(): Promise<{ env: Record<string, string>; places: Places }> {
  const ports = await freePorts(2 * SERVICES.length);
  const env: Record<string, string> = {};
  const places = {} as Places;
  for (const name of SERVICES) {
    const port = ports.pop();
    env[`${name.toUpperCase()}_PORT`] = String(port);
    env[`${name.toUpperCase()}_ADMIN_PORT`] = String(ports.pop());
    places[name] = `127.0.0.1:${port}`;
  }
  return { env, places };
}

/** The lines of a start that failed as it is meant to: nothing on standard output, and no stack. */
async function refusal(started: PlatformProcess): Promise<string> {
  expect(await started.exit(EXIT)).toBe(1);
  expect(started.said.stdout).not.toContain("Ready.");
  const lines = started.said.stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}

describe("one directory of data, from its first start to its last", () => {
  let dataDir: string;
  let env: Record<string, string>;
  const clients = {} as Record<keyof Places, RawClient>;
  let running: PlatformProcess;
  const start = () => startPlatformProcess({ dataDir, env });

  beforeAll(async () => {
    dataDir = await newDirectory();
    const found = await newPlaces();
    // Longer than EXIT: what waits for it fails.
    env = { ...found.env, DRAIN_GRACE: "60s" };
    for (const name of SERVICES) {
      clients[name] = createRawClient(found.places[name]);
      undo.defer(async () => clients[name].close());
    }
    undo.defer(() => running?.[Symbol.asyncDispose]());
  });

  const credentials = { email: `ada-${randomUUID()}@example.com`, password: "correct-horse-battery" };
  let token: string;
  let productId: string;

  async function order(paymentMethod: string): Promise<string> {
    const request = { requestId: randomUUID(), items: [{ productId, quantity: 2 }], paymentMethod };
    const created = await clients.order.one(orderv1.OrderService.method.createOrder, request, { token });
    return created.order?.id ?? "";
  }

  /** The state in which an order ends; WatchOrder ends with it, or the deadline ends both. */
  async function outcome(
    orderId: string,
    until: orderv1.OrderState = orderv1.OrderState.CONFIRMED,
  ): Promise<orderv1.OrderState | undefined> {
    const watched = clients.order.watch(orderv1.OrderService.method.watchOrder, { orderId }, { token, ...FINAL });
    let state: orderv1.OrderState | undefined;
    for await (const message of watched) {
      state = message.order?.state;
      if (state === until) break;
    }
    return state;
  }

  test("the first start says what it makes, where everything listens, and the admin's password", async () => {
    running = start();
    await running.ready(READY);
    const { stdout, stderr } = running.said;
    for (const name of SERVICES)
      expect(stdout).toMatch(new RegExp(`${name} +(http://)?127.0.0.1:${env[`${name.toUpperCase()}_PORT`]} `));
    expect(stdout).toMatch(/Making the database.*email +admin@.*password +\S{16}/s);
    expect(stderr).toBe("");
  });

  test("the greeter answers calls of all four kinds", async () => {
    const { greet, listGreetings, recordGreetings, chatGreetings } = greeterv1.GreetingService.method;
    const names = [{ name: "John" }, { name: "Jane" }];
    const hellos = [{ message: "Hello John" }, { message: "Hello Jane" }];
    expect(await clients.greeter.call(greet, [{ name: "John" }])).toMatchObject([{ message: "Hello John" }]);
    expect(await clients.greeter.call(recordGreetings, [...names, { last: true, count: 2 }])).toMatchObject([
      { count: 2 },
    ]);
    expect(await clients.greeter.call(listGreetings, [{ names: ["John", "Jane"] }])).toMatchObject(hellos);
    expect(await clients.greeter.call(chatGreetings, names)).toMatchObject(hellos);
  });

  test("someone signs up, logs in, and has an order confirmed", async () => {
    const signUp = { requestId: randomUUID(), ...credentials, displayName: "Ada" };
    await clients.user.one(userv1.UserService.method.createUser, signUp);
    token = (await clients.user.one(userv1.SessionService.method.createSession, credentials)).accessToken;
    const { products } = await clients.order.one(orderv1.CatalogService.method.listProducts, {});
    productId = products[0]?.id ?? "";
    expect(await outcome(await order("pm_ok"))).toBe(orderv1.OrderState.CONFIRMED);
    expect(await outcome(await order("pm_declined"))).toBe(orderv1.OrderState.FAILED);
  });

  test.skipIf(!grpcurl)(
    `the calls that it prints work as they stand${grpcurl ? "" : " (skipped: no grpcurl on the path)"}`,
    async () => {
      const calls = running.said.stdout.split("\n").filter((line) => /^(grpcurl|[A-Z]+=)/.test(line));
      // The last one watches until it is stopped.
      const script = `set -e\ngrpcurl() { command grpcurl -max-time 2 "$@"; }\n${calls.join("\n")} || true`;
      const { stdout } = await promisify(execFile)("sh", ["-c", script], { timeout: 30_000 });
      expect(stdout).toMatch(
        /greeter.v1.GreetingService.*"Hello John".*"displayName": "Ada".*"products":.*ORDER_STATE_CONFIRMED/s,
      );
    },
    LONG_TEST_MS,
  );

  test("a second process on the same data is refused in a line that names the first", async () => {
    const refused = await refusal(start());
    expect(refused).toContain(`in use by process ${running.pid}: stop that one first, name a database of your own (`);
    expect(refused).toMatch(/_DATABASE_URL\), or set DATA_DIR to another directory/);
  });

  test(
    "orders that were open when the process was killed are finished by the next",
    async () => {
      const methods = Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? "pm_slow" : "pm_ok"));
      const ids = await Promise.all(methods.map(order));
      running.kill("SIGKILL");
      expect(await running.exit(EXIT)).toBe("SIGKILL");
      running = start();
      await running.ready(READY);
      expect(running.said.stdout).not.toMatch(/Making the database|password {2}/);
      const outcomes = await Promise.all(ids.map((id) => outcome(id)));
      expect(outcomes).toEqual(ids.map(() => orderv1.OrderState.CONFIRMED));
    },
    LONG_TEST_MS,
  );

  test("SIGINT ends the process with 0 while someone watches, and leaves no server behind", async () => {
    const id = await order("pm_ok");
    await outcome(id);
    const watching = clients.order.call(orderv1.OrderService.method.watchOrder, [{ orderId: id }], { token, ...FINAL });
    const ended = expect(watching).rejects.toMatchObject({ code: 14 });
    running.kill("SIGINT");
    expect(await running.exit(EXIT)).toBe(0);
    await ended;
    expect(await readdir(join(dataDir, "postgres/cluster/data"))).not.toContain("postmaster.pid");
    expect(running.said.stdout).toMatch(/\nStopping: .*\n$/);
    // The log has the watch that was ended, events kept for the next start as who hears them had gone first, and nothing of ours
    // that went wrong.
    const expected = /WatchOrder|events\.v1\.EventService|events cannot be told: they are kept/;
    expect(running.said.stderr.split("\n").filter((line) => !expected.test(line))).toEqual([""]);
  });

  test("data that is damaged is named, with what to do", async () => {
    const control = join(dataDir, "postgres/cluster/data/global/pg_control");
    await writeFile(control, (await readFile(control)).subarray(0, 100));
    expect(await refusal(start())).toMatch(
      /^platform: the database in .*postgres does not start: .*delete .*postgres to start anew/,
    );
  });
});

describe("a start that cannot be", () => {
  let env: Record<string, string>;
  beforeAll(async () => {
    ({ env } = await newPlaces());
  });

  test("an unknown service is named, with those that there are", async () => {
    const started = startPlatformProcess({ dataDir: await newDirectory(), env, only: "usr" });
    expect(await refusal(started)).toBe(`platform: there is no service usr: there are ${SERVICES.join(", ")}`);
  });

  test("a wrong variable is named, and nothing is made", async () => {
    const dataDir = await newDirectory();
    const started = startPlatformProcess({ dataDir, env: { ...env, ORDER_PORT: "eighty" } });
    expect(await refusal(started)).toMatch(/^platform: ORDER_PORT has a value that cannot be used/);
    expect(await readdir(dataDir)).toEqual([]);
  });

  test("a directory that is a file is named", async () => {
    const file = join(await newDirectory(), "data");
    await writeFile(file, "");
    expect(await refusal(startPlatformProcess({ dataDir: file, env }))).toBe(
      `platform: nothing can be kept in ${file} (it is a file): set DATA_DIR to a directory of yours`,
    );
  });

  test("a foreign directory is named, and left as it is", async () => {
    const dataDir = await newDirectory();
    await mkdir(join(dataDir, "postgres/cluster"), { recursive: true });
    await writeFile(join(dataDir, "postgres/cluster/letter.txt"), "mine");
    expect(await refusal(startPlatformProcess({ dataDir, env }))).toMatch(/not made by this program.*[Mm]ove it away/);
    expect(await readdir(join(dataDir, "postgres/cluster"))).toEqual(["letter.txt"]);
  });

  test("a port in use is named with its variable, and the database is stopped again", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const dataDir = await newDirectory();
    const started = startPlatformProcess({ dataDir, env: { ...env, USER_PORT: String(port) }, only: "user" });
    expect(await refusal(started)).toContain(`${port} (USER_PORT on 127.0.0.1: in use)`);
    expect(await readdir(join(dataDir, "postgres/cluster/data"))).not.toContain("postmaster.pid");
    taken.close();
  });
});
