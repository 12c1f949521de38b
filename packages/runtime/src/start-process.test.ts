import { createLogger } from "@tenon/logger";
import { expect, onTestFinished, test } from "vitest";
import { type DrainableServer, startProcess } from "./start-process.ts";

const logger = createLogger({ name: "web", level: "silent" });
const config = {
  HOST: "127.0.0.1",
  PORT: 0,
  ADMIN_PORT: 0,
  CHECK_INTERVAL: 5,
  CHECK_TIMEOUT: 1000,
  DRAIN_WAIT: 0,
  DRAIN_GRACE: 5000,
};

/** A server that only tells what it is asked to do. */
function telling(overrides: Partial<DrainableServer> = {}) {
  const events: string[] = [];
  const server: DrainableServer = {
    async listen() {
      events.push("listen");
      return 4711;
    },
    leave: () => void events.push("leave"),
    async close({ graceMs }) {
      events.push(`close within ${graceMs}`);
    },
    ...overrides,
  };
  return { events, server };
}

test("it listens, is ready, and leaves before it closes", async () => {
  const { events, server } = telling();
  const close = async () => void events.push("resources");
  const service = await startProcess({ name: "web", config, logger, server, close });
  onTestFinished(() => service.close());
  expect(service.port).toBe(4711);
  const at = `http://127.0.0.1:${service.adminPort}`;
  expect(await (await fetch(`${at}/readyz`)).json()).toMatchObject({ ready: true });
  expect(await (await fetch(`${at}/metrics`)).text()).toContain("process_cpu_seconds_total");
  await Promise.all([service.close(), service.close()]);
  expect(events).toEqual(["listen", "leave", "close within 5000", "resources"]);
  await expect(fetch(`${at}/healthz`)).rejects.toThrow();
});

test("a check that fails makes it not ready", async () => {
  const { server } = telling();
  const checks = { backend: () => Promise.reject(new Error("down")) };
  const service = await startProcess({ name: "web", config, logger, server, checks });
  onTestFinished(() => service.close());
  const response = await fetch(`http://127.0.0.1:${service.adminPort}/readyz`);
  expect({ status: response.status, report: await response.json() }).toMatchObject({
    status: 503,
    report: { checks: { backend: "failed" } },
  });
});

test("a port that cannot be had is named with its variable, and what was opened is closed", async () => {
  const taken = Object.assign(new Error("listen EADDRINUSE"), { code: "EADDRINUSE" });
  const { events, server } = telling({ listen: () => Promise.reject(taken) });
  const close = async () => void events.push("resources");
  await expect(startProcess({ name: "web", config, logger, server, close })).rejects.toThrow(
    "web cannot listen on 127.0.0.1, port 0: it is in use; end the process that has it, or set PORT (WEB_PORT",
  );
  expect(events).toEqual(["close within 5000", "resources"]);
});
