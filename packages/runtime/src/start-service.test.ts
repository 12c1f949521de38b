import { createServer as createTcpServer } from "node:net";
import { type ClientReadableStream, credentials, makeClientConstructor } from "@grpc/grpc-js";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Code, fromCodeNumber, type StatusError } from "@tenon/errors";
import { createClient, createHealth, createReflection, implement } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { expect, onTestFinished, test } from "vitest";
import { createAuth } from "./service-auth.ts";
import { type StartServiceOptions, startService } from "./start-service.ts";

const logger = createLogger({ name: "greeter", level: "silent" });

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

test("with its dependency down it starts, lives, is not ready, and becomes ready by itself", async () => {
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

test("the drain: tell, stop workers, end watches and refuse, finish, close", async () => {
  const events: string[] = [];
  const stopping = Promise.withResolvers<void>();
  const { service, greet, chat, watch, admin, stub } = await start({
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
  const open = await chat();

  const closed = service.close();
  expect(service.close()).toBe(closed);
  events.push(`the watch says ${await health.next()}`);
  watchToldNotServing.resolve();
  await stopping.promise;
  events.push(`the watch ends with ${await health.next()}`);
  await expect.poll(() => stub()).toBe("UNAVAILABLE");
  events.push("a new call is refused with UNAVAILABLE");
  events.push(`the call in flight: ${await open.finish()}`);
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

test("under load every call in flight is answered and every later one is UNAVAILABLE", async () => {
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

test("clients have DRAIN_WAIT to notice before calls are refused", async () => {
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

test("calls that do not finish, workers and resources that do not close are left behind", async () => {
  const { service, chat } = await start({
    config: { DRAIN_GRACE: 50 },
    workers: [{ name: "stuck", start() {}, stop: () => new Promise(() => {}) }],
  });
  const open = await chat();
  const ended = open.status();
  await service.close();
  expect(await ended).toBe("UNAVAILABLE");
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

type Options = Partial<Omit<StartServiceOptions, "config">> & { config?: Partial<StartServiceOptions["config"]> };

/** A greeter on free ports, and what a test asks of it; every call has a deadline. */
async function start({ config: overrides, ...options }: Options = {}) {
  const config: StartServiceOptions["config"] = {
    HOST: "127.0.0.1",
    PORT: 0,
    ADMIN_PORT: 0,
    LOG_LEVEL: "info",
    SERVICE_KEY_FILE: undefined,
    SERVICE_JWKS_FILE: undefined,
    REFLECTION: "public",
    CHECK_INTERVAL: 5,
    CHECK_TIMEOUT: 1000,
    DRAIN_WAIT: 0,
    DRAIN_GRACE: 5000,
    ...overrides,
  };
  const greeter = implement(greeterv1.GreetingService, {
    greet: async ({ name }) => {
      if (name === "slow") await new Promise((resolve) => setTimeout(resolve, 5));
      return { message: `Hello ${name}` };
    },
    async *listGreetings() {},
    recordGreetings: async () => ({ count: 0 }),
    async *chatGreetings(requests) {
      for await (const { name } of requests) yield { message: `Hello ${name}` };
    },
  });
  const auth = createAuth({ config, name: "greeter" });
  const service = await startService({ name: "greeter", config, logger, services: [greeter], auth, ...options });
  const target = `127.0.0.1:${service.port}`;
  const client = createClient(greeterv1.GreetingService, { target });
  onTestFinished(() => {
    client.close();
    return service.close();
  });

  const greetAs = (name: string) => codeOf(client.greet({ name }, { timeoutMs: 5000 }));
  const native = (definition: Parameters<typeof makeClientConstructor>[0]) => {
    // biome-ignore lint/suspicious/noExplicitAny: grpc-js makes the methods of this client at run time.
    const made = new (makeClientConstructor(definition, "Native") as any)(target, credentials.createInsecure());
    onTestFinished(() => made.close());
    return made;
  };
  const health = native(createHealth({ services: [] }).native.definition);
  const deadline = () => ({ deadline: Date.now() + 5000 });

  return {
    service,
    greet: () => greetAs("Ada"),
    slowGreet: () => greetAs("slow"),
    /** A call on a connection of its own. */
    stub: () => {
      const other = createClient(greeterv1.GreetingService, { target });
      return codeOf(other.greet({ name: "Ada" }, { timeoutMs: 5000 })).finally(() => other.close());
    },
    /** A call that is in flight: greeted once and open. */
    async chat() {
      const finish = Promise.withResolvers<void>();
      const requests = async function* () {
        yield { name: "Ada" };
        await finish.promise;
        yield { name: "Bob" };
      };
      const greetings = client.chatGreetings(requests(), { timeoutMs: 10_000 })[Symbol.asyncIterator]();
      await greetings.next();
      const status = () =>
        codeOf(
          (async () => {
            while (!(await greetings.next()).done);
          })(),
        );
      return {
        status,
        finish: () => {
          finish.resolve();
          return status();
        },
      };
    },
    check: (service: string) =>
      new Promise<string>((resolve) =>
        health.Check({ service }, deadline(), (error: { code: number } | null, response: { status: string }) =>
          resolve(error ? fromCodeNumber(error.code) : response.status),
        ),
      ),
    watch(service: string) {
      const stream: ClientReadableStream<{ status: string }> = health.Watch({ service }, deadline());
      const iterator = stream[Symbol.asyncIterator]();
      return {
        next: () =>
          iterator.next().then(
            ({ value, done }) => (done ? "OK" : (value.status as string)),
            ({ code }: { code: number }) => fromCodeNumber(code),
          ),
      };
    },
    admin: (path: string) =>
      fetch(`http://127.0.0.1:${service.adminPort}${path}`, { signal: AbortSignal.timeout(5000) }),
    /** How a reflection stream ends that asks for the services. */
    async reflect(version: string): Promise<string> {
      const { natives } = createReflection({ services: [] });
      const [definition] = natives
        .map((each) => each.definition)
        .filter((each) => Object.values(each)[0]?.path.includes(`.${version}.`));
      const stream = native(definition ?? {}).ServerReflectionInfo(deadline());
      stream.end({ listServices: "" });
      return new Promise((resolve) => {
        stream.on("data", () => {});
        stream.on("error", () => {});
        stream.on("status", ({ code }: { code: number }) => resolve(fromCodeNumber(code)));
      });
    },
  };
}

const codeOf = (call: Promise<unknown>): Promise<Code> =>
  call.then(
    () => "OK",
    (error) => (error as StatusError).code,
  );

/** A port that somebody else listens on until the end of the test. */
async function takePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}
