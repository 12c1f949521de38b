import { once } from "node:events";
import { connect } from "node:net";
import { createLogger } from "@tenon/logger";
import { expect, onTestFinished, test } from "vitest";
import { createAdminPort } from "./admin-port.ts";

const lines: string[] = [];
const logger = createLogger({ name: "test", destination: { write: (line) => void lines.push(line) } });
let ready = true;
const METRICS = { contentType: "text/plain; version=0.0.4", text: "up 1\n" };

for (const [method, path, status, body] of [
  ["GET", "/healthz", 200, "ok\n"],
  ["HEAD", "/healthz", 200, ""],
  ["GET", "/metrics", 200, "up 1\n"],
  ["GET", "/metrics?name=up", 200, "up 1\n"],
  ["GET", "/readyz", 200, '{"ready":true,"draining":false,"checks":{"database":"ok"}}\n'],
  ["HEAD", "/readyz", 200, ""],
  ["POST", "/healthz", 405, "method not allowed\n"],
  ["DELETE", "/metrics", 405, "method not allowed\n"],
  ["GET", "/", 404, "not found\n"],
  ["GET", "/metrics/", 404, "not found\n"],
  ["GET", "/constructor", 404, "not found\n"],
  ["GET", "/%6detrics", 404, "not found\n"],
  ["POST", "/nothing", 404, "not found\n"],
] as const) {
  test(`${method} ${path} is ${status}`, async () => {
    const response = await fetch(`${await listen()}${path}`, { method });
    expect([response.status, await response.text()]).toEqual([status, body]);
    expect(response.headers.get("allow")).toBe(status === 405 ? "GET, HEAD" : null);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });
}

test("not ready is 503, with what is not", async () => {
  ready = false;
  onTestFinished(() => {
    ready = true;
  });
  const response = await fetch(`${await listen()}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ ready: false, draining: false, checks: { database: "failed" } });
});

test("metrics that fail are 500, with the reason in the log alone", async () => {
  lines.length = 0;
  const url = await listen(() => Promise.reject(new Error("two metrics have one name")));
  const response = await fetch(`${url}/metrics`);
  expect([response.status, await response.text()]).toEqual([500, "internal error\n"]);
  expect(lines).toEqual([expect.stringContaining("two metrics have one name")]);
});

for (const [what, bytes, answer] of [
  ["headers over the limit", `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(9000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
  ["something that is not HTTP", "\x16\x03\x01\r\n\r\n", /^HTTP\/1.1 400 /],
] as const) {
  test(`${what} are refused and the port goes on`, async () => {
    const url = await listen();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(bytes);
    const [chunk] = await once(socket, "data", { signal: AbortSignal.timeout(5000) });
    expect(String(chunk)).toMatch(answer);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
}

test("closing cuts connections that are open", async () => {
  const port = createAdminPort({ readiness: { report }, metrics: async () => METRICS, logger });
  const socket = connect(await port.listen({ host: "127.0.0.1", port: 0 }), "127.0.0.1");
  await once(socket, "connect");
  const closed = once(socket, "close", { signal: AbortSignal.timeout(5000) });
  socket.on("error", () => {});
  await port.close();
  await expect(closed).resolves.toBeDefined();
});

test("closing what never listened is fine", async () => {
  const port = createAdminPort({ readiness: { report }, metrics: async () => METRICS, logger });
  await expect(port.close()).resolves.toBeUndefined();
});

const report = () => ({ ready, draining: false, checks: { database: ready ? ("ok" as const) : ("failed" as const) } });

async function listen(metrics = async () => METRICS): Promise<string> {
  const port = createAdminPort({ readiness: { report }, metrics, logger });
  onTestFinished(port.close);
  return `http://127.0.0.1:${await port.listen({ host: "127.0.0.1", port: 0 })}`;
}
