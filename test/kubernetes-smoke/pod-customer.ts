// Runs inside the cluster, on nothing but Node: somebody who buys by REST without a pause, and greets over connections that
// are new each time. What fails is repeated, with the same request id, and counted. Tells how it goes on port 7000 of its pod.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const [, , BASE = "", BUYERS = "3", GREETERS = "2"] = process.argv;
const CALL_LIMIT_MS = 10_000;
const SETTLE_LIMIT_MS = 90_000;
const THINK_MS = 100;
/** Tokens hold for a quarter of an hour. */
const SESSION_MS = 5 * 60_000;

const told = {
  calls: 0,
  failed: 0,
  longestPauseMs: 0,
  placed: 0,
  confirmed: 0,
  failures: {} as Record<string, number>,
};
const begun = new Set<number>();
let stopped = false;

async function call(method: string, path: string, { body, token, close }: Asked = {}): Promise<Record<string, never>> {
  const askedAt = performance.now();
  begun.add(askedAt);
  try {
    for (;;) {
      told.calls += 1;
      try {
        const response = await fetch(`${BASE}${path}`, {
          method,
          headers: {
            "content-type": "application/json",
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
            ...(close && { connection: "close" }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(CALL_LIMIT_MS),
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
        told.longestPauseMs = Math.max(told.longestPauseMs, performance.now() - askedAt);
        return JSON.parse(text);
      } catch (error) {
        told.failed += 1;
        const { message, cause } = error as Error;
        const failure = `${method} ${path.replace(/[0-9a-f-]{36}/, "...")}: ${cause instanceof Error ? cause.message : message}`;
        told.failures[failure] = (told.failures[failure] ?? 0) + 1;
        if (stopped) throw error;
        await delay(THINK_MS);
      }
    }
  } finally {
    begun.delete(askedAt);
  }
}

interface Asked {
  body?: object;
  token?: string;
  /** On a connection of its own. */
  close?: boolean;
}

async function buy(): Promise<void> {
  const login = { email: `smoke-${randomUUID()}@example.com`, password: randomUUID() };
  await call("POST", "/v1/users", { body: { requestId: randomUUID(), displayName: "Smoke", ...login } });
  const { products } = (await call("GET", "/v1/products")) as unknown as { products: { id: string }[] };
  const items = [{ productId: products[0]?.id, quantity: 1 }];
  let token = "";
  for (let sessionAt = Number.NEGATIVE_INFINITY; !stopped; await delay(THINK_MS)) {
    if (performance.now() - sessionAt > SESSION_MS) {
      token = (await call("POST", "/v1/sessions", { body: login })).accessToken ?? "";
      sessionAt = performance.now();
    }
    const body = { requestId: randomUUID(), items, paymentMethod: "pm_ok" };
    const { id } = await call("POST", "/v1/orders", { body, token });
    told.placed += 1;
    for (const placedAt = performance.now(); ; await delay(THINK_MS)) {
      const { state } = (await call("GET", `/v1/orders/${id}`, { token })) as unknown as { state: string };
      if (/CONFIRMED/.test(state)) break;
      const waiting = /PENDING|AUTHORIZED/.test(state) && performance.now() - placedAt < SETTLE_LIMIT_MS;
      if (!waiting) throw new Error(`an order is ${state}`);
    }
    told.confirmed += 1;
  }
}

async function greet(): Promise<void> {
  for (; !stopped; await delay(THINK_MS)) {
    await call("POST", "/v1/greet", { body: { name: "Ada" }, close: true });
  }
}

const work = [...Array(Number(BUYERS)).fill(buy), ...Array(Number(GREETERS)).fill(greet)].map((each) => each());
// One that ends in another way than it should ends the pod, and its log tells why.
const done = Promise.all(work);

createServer(async (request, response) => {
  if (request.url === "/stop") {
    stopped = true;
    await done;
  }
  const now = performance.now();
  const waiting = [...begun].map((askedAt) => now - askedAt);
  response.end(JSON.stringify({ ...told, longestPauseMs: Math.max(told.longestPauseMs, ...waiting) }));
  if (request.url === "/begin") Object.assign(told, { calls: 0, failed: 0, longestPauseMs: 0, failures: {} });
}).listen(7000, "127.0.0.1");
