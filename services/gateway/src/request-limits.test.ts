import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { type HttpRequest, httpRoutes } from "@tenon/transcoding";
import { expect, test } from "vitest";
import { startGreetings } from "./gateway-fixture.ts";
import { type RequestLimits, requestLimits } from "./request-limits.ts";

const ONE = { perSecond: 0.5, burst: 1 };
const routes = httpRoutes([greeterv1.GreetingService, userv1.SessionService]);

/** Status and Retry-After of requests, which are all served where nothing limits them. */
function limited(limits: RequestLimits) {
  const handle = requestLimits({ nowMs: () => 0, ...limits, routes }).limited(async () => ({
    status: 200,
    headers: {},
    body: "",
  }));
  return async (url: string, { peer = "192.0.2.1", forwarded = "", method = "GET" } = {}) => {
    const headers = forwarded === "" ? {} : { "x-forwarded-for": forwarded };
    const asked: HttpRequest = { method, url, headers, peer, signal: AbortSignal.timeout(1000) };
    const { status, headers: answered } = await handle(asked);
    return status === 429 ? `429 after ${answered["retry-after"]} s` : String(status);
  };
}

test("an address has a budget, of IPv6 each /64, whatever it asks for", async () => {
  const ask = limited({ requests: ONE });
  expect(await ask("/v1/greetings")).toBe("200");
  expect(await ask("/made-up")).toBe("429 after 2 s");
  expect(await ask("/v1/greetings", { peer: "192.0.2.2" })).toBe("200");
  expect(await ask("/v1/greetings", { peer: "2001:db8::1" })).toBe("200");
  expect(await ask("/v1/greetings", { peer: "2001:db8::2" })).toBe("429 after 2 s");
});

test("a budget comes back with time", async () => {
  const clock = { ms: 0 };
  const ask = limited({ requests: ONE, nowMs: () => clock.ms });
  expect([await ask("/"), await ask("/")]).toEqual(["200", "429 after 2 s"]);
  clock.ms = 2000;
  expect(await ask("/")).toBe("200");
});

for (const [method, path] of [
  ["POST", "/v1/sessions"],
  ["POST", "/v1/sessions:refresh?x=1"],
  ["POST", "http://any.host/v1/%73essions"],
  ["POST", "/user.v1.SessionService/CreateSession"],
] as const) {
  test(`${method} ${path} draws from the budget for credentials`, async () => {
    const ask = limited({ credentials: ONE });
    expect([await ask(path, { method }), await ask(path, { method })]).toEqual(["200", "429 after 2 s"]);
    expect(await ask("/v1/greetings")).toBe("200");
  });
}

test("what is no such path, or no path at all, does not", async () => {
  const ask = limited({ credentials: ONE });
  for (const path of ["/v1/sessions/1", "/v1/%zz", "/v1/greet"]) {
    expect([await ask(path, { method: "DELETE" }), await ask(path, { method: "DELETE" })]).toEqual(["200", "200"]);
  }
});

test("a proxy is believed about its clients, a client about nobody", async () => {
  const ask = limited({ requests: ONE, trustedProxies: ["10.0.0.0/8"] });
  const proxied = (forwarded: string) => ask("/", { peer: "::ffff:10.1.2.3", forwarded });
  expect(await proxied("203.0.113.1")).toBe("200");
  expect(await proxied("203.0.113.2")).toBe("200");
  expect(await proxied("203.0.113.9, 203.0.113.2")).toBe("429 after 2 s");
  expect(await ask("/", { forwarded: "203.0.113.3" })).toBe("200");
  expect(await ask("/", { forwarded: "203.0.113.4" })).toBe("429 after 2 s");
});

test("a refusal says why, when to come again, and is a line of the log", async () => {
  const { url, lines } = await startGreetings({ rates: { requests: ONE } });
  const ask = () => fetch(`${url}/v1/greetings?names=Ada`, { signal: AbortSignal.timeout(5000) });
  await (await ask()).text();
  const refused = await ask();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(await refused.json()).toMatchObject({
    code: 8,
    details: expect.arrayContaining([expect.objectContaining({ reason: "RATE_LIMITED" })]),
  });
  expect(lines.map(({ facts }) => facts["http.response.status_code"])).toEqual([200, 429]);
});

test("a WebSocket draws from the same budget", async () => {
  const { url, port } = await startGreetings({ rates: { requests: ONE } });
  await (await fetch(`${url}/v1/greetings?names=Ada`, { signal: AbortSignal.timeout(5000) })).text();
  const headers = {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const sent = request({ port, path: "/v1/greetings:chat", headers, signal: AbortSignal.timeout(5000) }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  expect({ status: response.statusCode, after: response.headers["retry-after"] }).toEqual({
    status: 429,
    after: expect.stringMatching(/^[12]$/),
  });
  response.resume();
});

test("a proxy that is no address stops the start", () =>
  expect(() => requestLimits({ routes, trustedProxies: ["proxy"] })).toThrow(/"proxy", which is no address/));
