import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { testDatabase } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { SERVICES, startFreshPlatform } from "./fresh-platform.ts";

/** A place that is down, where every connection ends at once, until it is brought up: then each reaches `to`. */
async function startDown(to: { host: string; port: number }) {
  let isUp = false;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (!isUp) return void socket.destroy();
    const onward = connect(to);
    onward.on("error", () => {}).on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { host: `127.0.0.1:${port}`, bringUp: () => (isUp = true) };
}

test("63: with PostgreSQL, NATS and the collector down every service lives, is not ready, and becomes ready by itself", async () => {
  const databases = await Promise.all(
    SERVICES.filter((name) => name !== "gateway").map(async (name) => {
      const { url, close } = await testDatabase({ migrations: [] });
      onTestFinished(close);
      return { name, url };
    }),
  );
  const { hostname, port } = new URL(databases[0]?.url ?? "");
  const { host, bringUp } = await startDown({ host: hostname, port: Number(port) });
  const urls = databases.map(({ name, url }) => {
    return [`${name.toUpperCase()}_DATABASE_URL`, Object.assign(new URL(url), { host }).href];
  });
  const platform = await startFreshPlatform({
    ...Object.fromEntries(urls),
    NATS_URL: "nats://127.0.0.1:1",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    CHECK_INTERVAL: "100ms",
  });
  onTestFinished(() => platform[Symbol.asyncDispose]());
  const ask = async (path: string) => {
    const asked = SERVICES.map(async (name) => {
      const { status } = await fetch(`http://127.0.0.1:${platform.adminPorts[name]}/${path}`);
      return [name, status] as const;
    });
    return Object.fromEntries(await Promise.all(asked));
  };
  const all = (status: number) => Object.fromEntries(SERVICES.map((name) => [name, status]));
  expect([await ask("healthz"), await ask("readyz")]).toEqual([all(200), all(503)]);

  bringUp();
  await expect.poll(() => ask("readyz"), { timeout: 120_000, interval: 200 }).toEqual(all(200));
}, 240_000);
