import { createMetadata, methodsOf } from "@tenon/grpc";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { greeter, recordLog, startGreeter } from "./greeter-fixture.ts";
import { createServiceTokens } from "./identity/service-token.ts";
import { createTestKey } from "./identity/token-fixture.ts";
import { standardClient, standardServer } from "./standard-chain.ts";

const METHODS = methodsOf([greeter(() => {})]);
const names = (chain: readonly { name: string }[]) => chain.map(({ name }) => name);

test("a server knows the request, tells of it, and lets it in before it looks into it", () => {
  const { logger } = recordLog();
  expect(names(standardServer({ logger, registry: new Registry(), methods: METHODS, auth: {} }))).toEqual([
    "propagation",
    "tracing",
    "logging",
    "metrics",
    "rpcMetrics",
    "recovery",
    "deadline",
    "auth",
    "validation",
  ]);
});

test("where it is asked to, a server does more", () => {
  const { logger } = recordLog();
  const rateLimits = { classes: { write: { perSecond: 1, burst: 1 } } };
  const options = { logger, registry: new Registry(), methods: METHODS, auth: {} };
  const more = {
    requestIdHeader: true,
    serverTiming: {},
    trustedProxies: ["10.0.0.0/8"],
    loadShedding: {},
    rateLimits,
  };
  expect(names(standardServer({ ...options, ...more }))).toEqual([
    "propagation",
    "requestIdHeader",
    "serverTiming",
    "clientAddress",
    "tracing",
    "logging",
    "metrics",
    "rpcMetrics",
    "recovery",
    "deadline",
    "loadShedding",
    "auth",
    "rateLimit",
    "validation",
  ]);
});

test("a client tells of a call, gives it its time, and says who it is", () => {
  const { logger } = recordLog();
  const tokens = createServiceTokens({ name: "order", key: createTestKey("order").private });
  const registry = new Registry();
  expect(names(standardClient({ logger, registry, identity: { tokens, audience: "payment" } }))).toEqual([
    "logging",
    "metrics",
    "rpcMetrics",
    "tracing",
    "deadline",
    "propagation",
    "serviceToken",
  ]);
  expect(names(standardClient({ logger, registry, circuitBreaker: {} }))).toEqual([
    "logging",
    "metrics",
    "rpcMetrics",
    "tracing",
    "deadline",
    "propagation",
    "circuitBreaker",
  ]);
});

for (const over of ["memory", "port"] as const) {
  test(`over ${over}, what auth or validation refuses is logged and counted like any call`, async () => {
    const server = recordLog();
    const client = recordLog();
    const registry = new Registry();
    const { greetings } = await startGreeter({
      over,
      server: standardServer({ logger: server.logger, registry, methods: METHODS, auth: {} }),
      client: standardClient({ logger: client.logger, registry }),
    });
    await greetings.greet({ name: "Ada" });
    await expect(
      greetings.greet({}, { metadata: createMetadata({ authorization: "Bearer a.b.c" }) }),
    ).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(greetings.greet({ name: "x".repeat(201) })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    for (const { lines } of [server, client]) {
      expect(lines.map(({ facts }) => facts["grpc.code"])).toEqual(["OK", "Unauthenticated", "InvalidArgument"]);
    }
    expect(server.lines.every(({ facts }) => typeof facts.request_id === "string")).toBe(true);
    const text = await registry.metrics();
    for (const side of ["server", "client"]) {
      for (const code of ["OK", "Unauthenticated", "InvalidArgument"]) {
        expect(text).toMatch(new RegExp(`grpc_${side}_handled_total\\{.*"Greet",grpc_code="${code}"\\} 1\n`));
      }
    }
  });
}
