import { once } from "node:events";
import { ConfigError } from "@tenon/config";
import { createOrigins } from "@tenon/transcoding";
import { expect, test } from "vitest";
import { readGatewayConfig } from "./config.ts";
import { startGreetings } from "./gateway-fixture.ts";

const APP = "https://app.example";
const within = () => AbortSignal.timeout(5000);

test("pages of origins that are named may call by every protocol, others may not", async () => {
  const { url } = await startGreetings({ origins: createOrigins([APP]) });
  for (const [path, type] of [
    ["/v1/greet", "application/json"],
    ["/greeter.v1.GreetingService/Greet", "application/json"],
    ["/greeter.v1.GreetingService/Greet", "application/grpc-web-text"],
  ] as const) {
    for (const [origin, allowed] of [
      [APP, APP],
      ["https://evil.example", null],
    ] as const) {
      const headers = {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-grpc-web",
      };
      const preflight = await fetch(url + path, { method: "OPTIONS", headers, signal: within() });
      expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([
        allowed ? 204 : 403,
        allowed,
      ]);
      await preflight.text();
      const body = type === "application/json" ? '{"name":"Ada"}' : "AAAAAAA=";
      const answer = await fetch(url + path, {
        method: "POST",
        body,
        headers: { origin, "content-type": type },
        signal: within(),
      });
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, allowed]);
      expect(answer.headers.get("access-control-expose-headers") ?? "x-request-id").toContain("x-request-id");
      await answer.text();
    }
  }
});

test("what is refused may be read by a page that is named", async () => {
  const { url } = await startGreetings({ origins: createOrigins([APP]) });
  const answer = await fetch(`${url}/nothing`, { headers: { origin: APP }, signal: within() });
  expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([404, APP]);
  await answer.text();
});

test("a chat is for the same pages", async () => {
  const { url } = await startGreetings({ origins: createOrigins([APP]) });
  for (const [origin, type] of [
    [APP, "open"],
    ["https://evil.example", "error"],
  ] as const) {
    const init = { headers: { origin } } as unknown as string[];
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/greetings:chat`, init);
    const [event] = await Promise.race(["open", "error"].map((name) => once(socket, name, { signal: within() })));
    expect(event.type).toBe(type);
    socket.close();
  }
});

test("origins come from the environment; what is none stops the start", () => {
  expect(readGatewayConfig({}).CORS_ORIGINS.which).toBe("none");
  const named = readGatewayConfig({ CORS_ORIGINS: `${APP}, https://admin.example` }).CORS_ORIGINS;
  expect([APP, "https://admin.example", "https://evil.example"].map(named.isAllowed)).toEqual([true, true, false]);
  expect(() => readGatewayConfig({ CORS_ORIGINS: "app.example" })).toThrow(ConfigError);
  expect(() => readGatewayConfig({ CORS_ORIGINS: "app.example" })).toThrow("expected origins such as");
});
