import { once } from "node:events";
import { connect, createServer } from "node:net";
import { freePorts, testDatabase } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { SERVICES, startFreshPlatform } from "./fresh-platform.ts";

/** On a port that nobody else listens on: what connects there reaches another place. */
async function forward(port: number, to: { host: string; port: number }): Promise<void> {
  const server = createServer((socket) => {
    const onward = connect(to);
    socket.pipe(onward).pipe(socket);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on("error", () => {}).on("close", () => other.destroy());
    }
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
}

test("63: with PostgreSQL, NATS and the collector down every service lives, is not ready, and becomes ready by itself", async () => {
  const [absent = 0] = await freePorts(1);
  const databases = await Promise.all(
    SERVICES.filter((name) => name !== "gateway").map(async (name) => {
      const { url, close } = await testDatabase({ migrations: [] });
      onTestFinished(close);
      return { name, url };
    }),
  );
  const urls = databases.map(({ name, url }) => {
    return [`${name.toUpperCase()}_DATABASE_URL`, Object.assign(new URL(url), { host: `127.0.0.1:${absent}` }).href];
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

  const { hostname, port } = new URL(databases[0]?.url ?? "");
  await forward(absent, { host: hostname, port: Number(port) });
  await expect.poll(() => ask("readyz"), { timeout: 120_000, interval: 200 }).toEqual(all(200));
}, 240_000);
