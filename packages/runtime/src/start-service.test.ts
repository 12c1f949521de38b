import type { Code } from "@tenon/errors";
import { expect, test } from "vitest";
import { start, takePort } from "./service-fixture.ts";

test("what listens is served: calls, health of each service and of all, admin pages", async () => {
  const { greet, check, admin } = await start();
  expect(await greet()).toBe("OK");
  expect([await check(""), await check("greeter.v1.GreetingService"), await check("live")]).toEqual([
    "SERVING",
    "SERVING",
    "SERVING",
  ]);
  expect((await admin("/healthz")).status).toBe(200);
  expect((await admin("/readyz")).status).toBe(200);
  const metrics = await (await admin("/metrics")).text();
  expect(metrics).toMatch(/^process_resident_memory_bytes \d/m);
  expect(metrics).toMatch(/^grpc_server_handled_total{.*grpc_method="Greet".*grpc_code="OK".*} 1$/m);
});

test("63: with its dependency down it starts, lives, is not ready, and becomes ready by itself", async () => {
  let up = false;
  const { check, admin, watch } = await start({
    checks: { database: () => (up ? Promise.resolve() : Promise.reject(new Error("down"))) },
  });
  const health = watch("");
  expect(await health.next()).toBe("NOT_SERVING");
  expect(await check("live")).toBe("SERVING");
  expect((await admin("/healthz")).status).toBe(200);
  const readyz = await admin("/readyz");
  expect([readyz.status, await readyz.json()]).toEqual([
    503,
    { ready: false, draining: false, checks: { database: "failed" } },
  ]);
  up = true;
  expect(await health.next()).toBe("SERVING");
  expect((await admin("/readyz")).status).toBe(200);
});

test("49: the drain: tell, stop workers, end watches and refuse, finish, close", async () => {
  const events: string[] = [];
  const stopping = Promise.withResolvers<void>();
  const { service, greet, heldGreet, watch, admin, stub } = await start({
    workers: [
      {
        name: "worker",
        start: () => void events.push("the worker starts"),
        async stop() {
          events.push("the worker is told to stop");
          stopping.resolve();
          await watchToldNotServing.promise;
          events.push(`a new call meanwhile: ${await greet()}`);
          events.push(`/readyz meanwhile: ${(await admin("/readyz")).status}`);
          events.push("the worker has stopped");
        },
      },
    ],
    close: async () => {
      events.push(`resources are closed, /healthz: ${(await admin("/healthz")).status}`);
    },
  });
  const watchToldNotServing = Promise.withResolvers<void>();
  const health = watch("greeter.v1.GreetingService");
  await health.next();
  const held = await heldGreet();

  const closed = service.close();
  expect(service.close()).toBe(closed);
  events.push(`the watch says ${await health.next()}`);
  watchToldNotServing.resolve();
  await stopping.promise;
  events.push(`the watch ends with ${await health.next()}`);
  await expect.poll(() => stub()).toBe("UNAVAILABLE");
  events.push("a new call is refused with UNAVAILABLE");
  events.push(`the call in flight: ${await held.finish()}`);
  await closed;
  events.push(`after it /healthz: ${await admin("/healthz").catch(() => "gone")}`);

  expect(events).toEqual([
    "the worker starts",
    "the watch says NOT_SERVING",
    "the worker is told to stop",
    "a new call meanwhile: OK",
    "/readyz meanwhile: 503",
    "the worker has stopped",
    "the watch ends with UNAVAILABLE",
    "a new call is refused with UNAVAILABLE",
    "the call in flight: OK",
    "resources are closed, /healthz: 200",
    "after it /healthz: gone",
  ]);
});

test("49: under load every call in flight is answered and every later one is UNAVAILABLE", async () => {
  const { service, slowGreet } = await start();
  const codes: Code[] = [];
  let over = false;
  const callers = Array.from({ length: 8 }, async () => {
    while (!over) codes.push(await slowGreet());
  });
  await expect.poll(() => codes.length).toBeGreaterThan(100);
  const before = codes.length;
  await service.close();
  await expect.poll(() => codes.at(-1)).toBe("UNAVAILABLE");
  over = true;
  await Promise.all(callers);
  expect(new Set(codes.slice(0, before))).toEqual(new Set(["OK"]));
  expect(new Set(codes.slice(before))).toEqual(new Set(["OK", "UNAVAILABLE"]));
  // Once refused, always refused: nothing is served after it.
  expect(codes.lastIndexOf("OK") - codes.indexOf("UNAVAILABLE")).toBeLessThan(8);
});

test("49: clients have DRAIN_WAIT to notice before calls are refused", async () => {
  const { service, greet, watch } = await start({ config: { DRAIN_WAIT: 300 } });
  const health = watch("");
  await health.next();
  const startedMs = performance.now();
  const closed = service.close();
  expect(await health.next()).toBe("NOT_SERVING");
  expect(await greet()).toBe("OK");
  await closed;
  expect(performance.now() - startedMs).toBeGreaterThan(290);
});

test("49: calls that do not finish, workers and resources that do not close are left behind", async () => {
  const { service, heldGreet } = await start({
    config: { DRAIN_GRACE: 50 },
    workers: [{ name: "stuck", start() {}, stop: () => new Promise(() => {}) }],
  });
  const held = await heldGreet();
  await service.close();
  expect(await held.ended).toBe("UNAVAILABLE");
});

test("49: an open stream does not hold the drain: it ends at once with UNAVAILABLE", async () => {
  const { service, chat } = await start({ config: { DRAIN_GRACE: 10_000 } });
  const open = await chat();
  const startedMs = performance.now();
  await service.close();
  expect(await open.ended).toBe("UNAVAILABLE");
  expect(performance.now() - startedMs).toBeLessThan(1000);
});

test("a worker that fails to stop does not keep the others from being waited for", async () => {
  let stopped = false;
  const { service } = await start({
    workers: [
      { name: "broken", start() {}, stop: () => Promise.reject(new Error("broken")) },
      {
        name: "slow",
        start() {},
        async stop() {
          await new Promise(setImmediate);
          stopped = true;
        },
      },
    ],
  });
  await service.close();
  expect(stopped).toBe(true);
});

for (const variable of ["PORT", "ADMIN_PORT"] as const) {
  test(`a ${variable} in use rejects with one line that names it, and leaves nothing open`, async () => {
    const taken = await takePort();
    let closes = 0;
    const starting = start({ config: { [variable]: taken }, close: async () => void closes++ });
    await expect(starting).rejects.toThrow(
      new RegExp(`^greeter cannot listen on 127\\.0\\.0\\.1, port ${taken}: it is in use; .*\\b${variable}\\b.*$`),
    );
    await expect(starting).rejects.toMatchObject({ name: "StartError" });
    expect(closes).toBe(1);
  });
}

test("a HOST that is not of this machine is named", () =>
  expect(start({ config: { HOST: "192.0.2.1" } })).rejects.toThrow(/192\.0\.2\.1.*HOST is not an address/));

test("a PORT without room for the admin port says to set it", () =>
  expect(start({ config: { PORT: 65_000, ADMIN_PORT: undefined } })).rejects.toThrow(
    /^ADMIN_PORT is not set, .*66000/,
  ));

test("a worker that cannot start rejects the start, and those before it are stopped", async () => {
  const events: string[] = [];
  const starting = start({
    workers: [
      { name: "a", start: () => void events.push("a starts"), stop: async () => void events.push("a stops") },
      {
        name: "b",
        start() {
          throw new Error("no");
        },
        stop: async () => void events.push("b stops"),
      },
    ],
    close: async () => void events.push("closed"),
  });
  await expect(starting).rejects.toThrow("no");
  expect(events).toEqual(["a starts", "a stops", "closed"]);
});

for (const [REFLECTION, code] of [
  ["public", "OK"],
  ["admin", "UNAUTHENTICATED"],
  ["off", "UNIMPLEMENTED"],
] as const) {
  for (const version of ["v1", "v1alpha"]) {
    test(`reflection ${version} that is ${REFLECTION} answers a stranger with ${code}`, async () => {
      const { reflect } = await start({ config: { REFLECTION } });
      expect(await reflect(version)).toBe(code);
    });
  }
}
