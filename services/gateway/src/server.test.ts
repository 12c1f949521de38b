import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { createHealth, createServer } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { readGatewayConfig } from "./config.ts";
import { GATEWAY_SERVICES } from "./gateway-services.ts";
import { startGateway } from "./server.ts";

const DOWN = "127.0.0.1:1";

/** A gateway whose services are where the environment says, by default nowhere. */
async function start(env: Record<string, string>) {
  const targets = Object.fromEntries(GATEWAY_SERVICES.map(({ target }) => [target, DOWN]));
  const config = readGatewayConfig({ CHECK_INTERVAL: "5ms", DRAIN_WAIT: "0ms", ...targets, ...env });
  const gateway = await startGateway({
    config: { ...config, PORT: 0, ADMIN_PORT: 0 },
    logger: createLogger({ name: "gateway", level: "silent" }),
  });
  onTestFinished(() => gateway.close());
  return async () => {
    const url = `http://127.0.0.1:${gateway.adminPort}/readyz`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return { status: response.status, checks: ((await response.json()) as { checks: object }).checks };
  };
}

test("it is ready as long as any service serves, and tells the health of each", async () => {
  const health = createHealth({ services: [] });
  const server = createServer({ services: [], natives: [health.native] });
  const target = `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
  onTestFinished(() => server.close({ graceMs: 0 }));
  health.setAll(true);
  const ready = await start({ GREETER_TARGET: target });
  const names = GATEWAY_SERVICES.map(({ target }) => target.replace("_TARGET", "").toLowerCase());
  const checks = Object.fromEntries(names.map((name) => [name, name === "greeter" ? "ok" : "failed"]));
  expect(await ready()).toEqual({ status: 200, checks });
  health.setAll(false);
  await expect.poll(ready, { timeout: 12_000 }).toMatchObject({ status: 503, checks: { greeter: "failed" } });
  health.setAll(true);
  await expect.poll(ready, { timeout: 12_000 }).toMatchObject({ status: 200, checks: { greeter: "ok" } });
});

test("63: it starts with all of them down, and is not ready", async () => {
  const ready = await start({});
  expect(await ready()).toMatchObject({ status: 503 });
});

test("a proxy that is no address stops the start with the variable's name", () =>
  expect(start({ TRUSTED_PROXIES: "10.0.0.0/8, proxy" })).rejects.toThrow(
    /^TRUSTED_PROXIES has a value that cannot be used, expected addresses/,
  ));

test("routes of a service config are served and documented; one that does not fit stops the start", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tenon-rules-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const HTTP_RULES_FILE = join(folder, "rules.yaml");
  await writeFile(
    HTTP_RULES_FILE,
    "http: {rules: [{selector: greeter.v1.GreetingService.Greet, get: '/v2/greet/{name}'}]}",
  );
  const server = createServer({
    services: [
      implementPart(greeterv1.GreetingService, {
        greet: async ({ name }) => ({ message: `Hello ${name}` }),
        async *listGreetings() {},
        recordGreetings: async () => ({}),
        async *chatGreetings() {},
      }),
    ],
  });
  const GREETER_TARGET = `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
  onTestFinished(() => server.close({ graceMs: 0 }));
  const config = {
    ...readGatewayConfig({ HTTP_RULES_FILE, GREETER_TARGET, DRAIN_WAIT: "0ms" }),
    PORT: 0,
    ADMIN_PORT: 0,
  };
  const logger = createLogger({ name: "gateway", level: "silent" });
  const gateway = await startGateway({ config, logger });
  onTestFinished(() => gateway.close());
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`, { signal: AbortSignal.timeout(5000) });
    return response.json();
  };
  expect(await ask("/v2/greet/Ada")).toEqual({ message: "Hello Ada" });
  expect(await ask("/v1/greet")).toMatchObject({ code: 5 });
  expect(((await ask("/openapi.json")) as { paths: object }).paths).toHaveProperty(["/v2/greet/{name}", "get"]);

  await writeFile(HTTP_RULES_FILE, "http: {}");
  await expect(startGateway({ config, logger })).rejects.toThrow(
    "HTTP_RULES_FILE: a service config without http.rules",
  );
});
