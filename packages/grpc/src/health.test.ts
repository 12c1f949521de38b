import {
  type ClientReadableStream,
  credentials,
  makeClientConstructor,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { CODES } from "@tenon/errors";
import { expect, onTestFinished, test } from "vitest";
import { createHealth, type HealthOptions } from "./health.ts";

test("55: every name is NOT_SERVING until it is told, but live", async () => {
  const { check } = await serve();
  expect(await check("")).toBe("NOT_SERVING");
  expect(await check("a.v1.A")).toBe("NOT_SERVING");
  expect(await check("live")).toBe("SERVING");
});

test("one service and all of them are told apart", async () => {
  const { health, check } = await serve();
  health.set("a.v1.A", true);
  expect([await check("a.v1.A"), await check("b.v1.B"), await check("")]).toEqual([
    "SERVING",
    "NOT_SERVING",
    "NOT_SERVING",
  ]);
  health.setAll(true);
  expect([await check("a.v1.A"), await check("b.v1.B"), await check("")]).toEqual(["SERVING", "SERVING", "SERVING"]);
});

test("55: the check of an unknown service is NOT_FOUND", async () => {
  const { check } = await serve();
  expect(await check("x.v1.X")).toBe("NOT_FOUND");
});

test("55: a list has every name", async () => {
  const { health, list } = await serve();
  health.set("", true);
  expect(await list()).toEqual({ "": "SERVING", live: "SERVING", "a.v1.A": "NOT_SERVING", "b.v1.B": "NOT_SERVING" });
});

test("55: a watch tells the present status, then every change, each once", async () => {
  const { health, watch } = await serve();
  const statuses = watch("a.v1.A");
  expect(await statuses.next()).toBe("NOT_SERVING");
  health.set("a.v1.A", true);
  health.set("a.v1.A", true);
  health.set("b.v1.B", true);
  expect(await statuses.next()).toBe("SERVING");
  health.set("a.v1.A", false);
  expect(await statuses.next()).toBe("NOT_SERVING");
});

test("55: a watch of an unknown service waits for it to be told", async () => {
  const { health, watch } = await serve();
  const statuses = watch("x.v1.X");
  expect(await statuses.next()).toBe("SERVICE_UNKNOWN");
  health.set("x.v1.X", true);
  expect(await statuses.next()).toBe("SERVING");
});

test("49: shutdown tells NOT_SERVING, ends watches with UNAVAILABLE and lets the server go", async () => {
  const { health, watch, check, server } = await serve();
  health.setAll(true);
  const statuses = watch("");
  expect(await statuses.next()).toBe("SERVING");
  health.shutdown();
  expect(await statuses.next()).toBe("NOT_SERVING");
  expect(await statuses.next()).toBe("UNAVAILABLE");
  expect(await check("")).toBe("NOT_SERVING");
  expect(await check("live")).toBe("SERVING");
  expect(await watch("").next()).toBe("UNAVAILABLE");
  health.setAll(true);
  expect(await check("")).toBe("NOT_SERVING");
  await new Promise<void>((resolve, reject) => server.tryShutdown((error) => (error ? reject(error) : resolve())));
});

test("watches are bounded, and one that ends makes room", async () => {
  const { watch } = await serve({ maxWatches: 1 });
  const first = watch("");
  await first.next();
  expect(await watch("").next()).toBe("RESOURCE_EXHAUSTED");
  first.cancel();
  expect(await first.next()).toBe("CANCELLED");
  await expect.poll(() => watch("").next()).toBe("NOT_SERVING");
});

test("54: a watcher that does not read gets the latest status, not every one that it missed", async () => {
  const { health, watch } = await serve();
  const statuses = watch("");
  expect(await statuses.next()).toBe("NOT_SERVING");
  for (let i = 0; i < 10_000; i++) health.set("", i % 2 === 0);
  health.set("", true);
  health.shutdown();
  const received: (string | undefined)[] = [];
  while (received.at(-1) !== "UNAVAILABLE") received.push(await statuses.next());
  expect(received.length).toBeLessThan(50);
});

test("a name that is a property of every object is an unknown service", async () => {
  const { check, watch } = await serve();
  expect(await check("__proto__")).toBe("NOT_FOUND");
  expect(await watch("constructor").next()).toBe("SERVICE_UNKNOWN");
});

/** Health alone on a plain grpc-js server, and a client that gives statuses and codes by name. */
async function serve(options: Partial<HealthOptions> = {}) {
  const health = createHealth({ services: ["a.v1.A", "b.v1.B"], ...options });
  const server = new Server();
  server.addService(health.native.definition, health.native.implementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const Client = makeClientConstructor(health.native.definition, "Health");
  // biome-ignore lint/suspicious/noExplicitAny: grpc-js makes the methods of this client at run time.
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure()) as any;
  onTestFinished(() => {
    client.close();
    server.forceShutdown();
  });
  const deadline = () => ({ deadline: Date.now() + 5000 });
  return {
    health,
    server,
    check: (service: string) =>
      new Promise<string>((resolve) =>
        client.Check({ service }, deadline(), (error: { code: number } | null, response: { status: string }) =>
          resolve(error ? (CODES[error.code] as string) : response.status),
        ),
      ),
    list: () =>
      new Promise((resolve, reject) =>
        client.List({}, deadline(), (error: unknown, response: { statuses: Record<string, { status: string }> }) =>
          error
            ? reject(error)
            : resolve(
                Object.fromEntries(Object.entries(response.statuses).map(([name, { status }]) => [name, status])),
              ),
        ),
      ),
    watch(service: string) {
      const stream: ClientReadableStream<{ status: string }> = client.Watch({ service }, deadline());
      const iterator = stream[Symbol.asyncIterator]();
      return {
        cancel: () => stream.cancel(),
        next: () =>
          iterator.next().then(
            ({ value, done }) => (done ? "OK" : (value.status as string)),
            (error: { code: number }) => CODES[error.code],
          ),
      };
    },
  };
}
