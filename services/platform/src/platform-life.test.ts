import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "@tenon/errors";
import { createServer as createGrpcServer } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { freePorts } from "@tenon/testing";
import { afterAll, beforeEach, expect, test } from "vitest";
import { startPlatform } from "./platform.ts";
import type { Part } from "./platform-services.ts";

const dataDir = mkdtempSync(join(tmpdir(), "tenon-life-"));
afterAll(() => rmSync(dataDir, { recursive: true }));

let events: string[] = [];
beforeEach(() => {
  events = [];
});

/** Parts that listen nowhere and tell what happens to them; each is given ports that are free. */
async function parts(...described: (Partial<Part> & { name: string })[]): Promise<Part[]> {
  const ports = await freePorts(described.length * 2);
  return described.map((part, index) => ({
    host: "127.0.0.1",
    port: ports[index * 2] as number,
    adminPort: ports[index * 2 + 1] as number,
    logLevel: "silent",
    calls: [],
    load: async () => undefined,
    start: async () => running(part.name),
    ...part,
  }));
}

const running = (name: string) => {
  events.push(`${name} started`);
  return {
    name,
    port: 0,
    adminPort: 0,
    close: async () => {
      events.push(`${name} closing`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${name} closed`);
    },
  };
};

const start = (list: Part[], more: { signal?: AbortSignal } = {}) =>
  startPlatform({
    config: { dataDir, logLevel: "silent", parts: list, embedded: [] },
    loggerOf: ({ name, logLevel }) => createLogger({ name, level: logLevel }),
    ...more,
  });

test("the gateway starts last, and is given the servers that run here by their addresses", async () => {
  const server = createGrpcServer({ services: [] });
  let given: string[] | undefined;
  const list = await parts(
    {
      name: "gateway",
      protocol: "http",
      calls: ["user"],
      start: async ({ servers }) => {
        given = [...(servers ?? [])].map(([address, one]) => `${address} ${one === server}`);
        return running("gateway");
      },
    },
    { name: "user", start: async () => ({ ...running("user"), server }) },
    { name: "order" },
  );
  await (await start(list)).close();
  expect(events.slice(0, 3).at(-1)).toBe("gateway started");
  expect(given).toEqual([`127.0.0.1:${list[1]?.port} true`]);
});

test("a service is closed when all that call it are closed, and none waits without need", async () => {
  const list = await parts(
    { name: "greeter" },
    { name: "user" },
    { name: "order", calls: ["user", "payment"] },
    { name: "payment", calls: ["processor"] },
    { name: "processor" },
  );
  const platform = await start(list);
  events = [];
  await platform.close();
  const at = (event: string) => events.indexOf(event);
  expect(events).toHaveLength(10);
  expect(at("order closed")).toBeLessThan(at("user closing"));
  expect(at("order closed")).toBeLessThan(at("payment closing"));
  expect(at("payment closed")).toBeLessThan(at("processor closing"));
  expect(at("greeter closing")).toBeLessThan(at("order closed"));
});

test("one that cannot start stops all, also those that are late", async () => {
  const problem = new StartError("no");
  const late = Promise.withResolvers<void>();
  const list = await parts(
    { name: "user" },
    { name: "order", start: () => Promise.reject(problem) },
    { name: "payment", start: () => late.promise.then(() => running("payment")) },
  );
  const starting = start(list);
  setImmediate(late.resolve);
  await expect(starting).rejects.toBe(problem);
  expect(events.filter((event) => event.endsWith("closed")).sort()).toEqual(["payment closed", "user closed"]);
});

test("a service that fails to close keeps no other from it, and is told", async () => {
  const list = await parts(
    { name: "user" },
    {
      name: "order",
      calls: ["user"],
      start: async () => ({ ...running("order"), close: () => Promise.reject(new Error("stuck")) }),
    },
  );
  const platform = await start(list);
  await expect(platform.close()).rejects.toThrow("stuck");
  expect(events).toContain("user closed");
});

test("a stop during the start closes what did start", async () => {
  const stop = new AbortController();
  const list = await parts({
    name: "user",
    start: async () => {
      stop.abort(new Error("stopped"));
      return running("user");
    },
  });
  await expect(start(list, { signal: stop.signal })).rejects.toThrow("stopped");
  expect(events).toEqual(["user started", "user closing", "user closed"]);
});

test("nothing is started where a port is in use", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const [user, order] = (await parts({ name: "user" }, { name: "order" })) as [Part, Part];
  const { port } = taken.address() as AddressInfo;
  await expect(start([user, { ...order, port }])).rejects.toThrow(`port ${port} (ORDER_PORT on 127.0.0.1: in use)`);
  await new Promise((resolve) => taken.close(resolve));
  expect(events).toEqual([]);
});
