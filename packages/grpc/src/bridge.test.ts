import { AsyncLocalStorage } from "node:async_hooks";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import { implementPart, standsStill } from "@tenon/testing";
import { afterEach, describe, expect, test } from "vitest";
import type { Call, Interceptor } from "./call.ts";
import { type ClientOptions, createClient } from "./client.ts";
import type { Handlers } from "./handlers.ts";
import { createMetadata } from "./metadata.ts";
import { createServer, type ServerOptions } from "./server.ts";

// What the bridge promises beyond the ends of calls (call-matrix.test.ts), over a port and without one.

type Greeting = Handlers<typeof greeterv1.GreetingService>;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

for (const inProcess of [false, true]) {
  const start = async (
    handlers: Partial<Greeting>,
    {
      server: serverOptions,
      client: clientOptions,
    }: { server?: Partial<ServerOptions>; client?: Partial<ClientOptions> } = {},
  ) => {
    const unused = () => {
      throw new Error("not called in this test");
    };
    const all = { greet: unused, listGreetings: unused, recordGreetings: unused, chatGreetings: unused, ...handlers };
    const server = createServer({ services: [implementPart(greeterv1.GreetingService, all)], ...serverOptions });
    const target = inProcess ? server : `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
    const client = createClient(greeterv1.GreetingService, { target, ...clientOptions });
    closers.push(async () => {
      client.close();
      await server.close({ graceMs: 0 });
    });
    return client;
  };

  describe(inProcess ? "in process" : "over a port", () => {
    test("metadata passes both ways: text, repeated keys and bytes, in headers and trailers", async () => {
      const bytes = Buffer.from([0, 255, 13, 10]);
      const client = await start({
        async greet(_request, call) {
          for (const value of call.requestMetadata.get("x-many")) call.responseHeaders.add("x-many", value);
          call.responseHeaders.set("x-bytes-bin", call.requestMetadata.get("x-bytes-bin")[0] ?? "");
          call.trailers.set("x-after-bin", bytes);
          return {};
        },
      });
      const metadata = createMetadata({ "x-many": "one", "x-bytes-bin": bytes });
      metadata.add("x-many", "two");
      const seen: Record<string, unknown> = {};
      await client.greet(
        {},
        {
          metadata,
          onHeaders: (headers) =>
            Object.assign(seen, { many: headers.get("x-many").join(", "), bytes: headers.get("x-bytes-bin") }),
          onTrailers: (trailers) => Object.assign(seen, { after: trailers.get("x-after-bin") }),
        },
      );
      expect(seen).toEqual({
        many: "one, two",
        bytes: [bytes],
        after: [bytes],
      });
    });

    for (const key of ["grpc-status", "content-type", ":path", "connection", "te"]) {
      test(`${key} is not for a handler to send`, async () => {
        const client = await start({
          async greet(_request, call) {
            call.trailers.set(key, "0");
            return {};
          },
        });
        await expect(client.greet({})).rejects.toMatchObject({ code: "INTERNAL" });
      });
    }

    test("an error travels with its reason, domain, violations, delay and details", async () => {
      const detail = { typeUrl: "type.googleapis.com/greeter.v1.GreetRequest", value: Buffer.from([10, 1, 65]) };
      const client = await start({
        greet: () =>
          Promise.reject(
            new StatusError("ABORTED", "again, please", {
              reason: "BUSY",
              metadata: { queue: "full" },
              violations: [{ field: "name", description: "is taken" }],
              retryDelayMs: 1500,
              details: [detail],
            }),
          ),
      });
      const error = await client.greet({}).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(StatusError);
      expect(error).toMatchObject({
        code: "ABORTED",
        message: "again, please",
        reason: "BUSY",
        domain: "greeter",
        metadata: { queue: "full" },
        violations: [{ field: "name", description: "is taken" }],
        retryDelayMs: 1500,
        remote: true,
      });
      expect(error.details).toContainEqual(expect.objectContaining(detail));
    });

    test("details above 8 KiB are dropped, the status arrives", async () => {
      const big = { typeUrl: "type.googleapis.com/x.Y", value: new Uint8Array(9 * 1024) };
      const client = await start({
        greet: () => Promise.reject(new StatusError("NOT_FOUND", "no", { details: [big] })),
      });
      await expect(client.greet({})).rejects.toMatchObject({ code: "NOT_FOUND", message: "no", details: [] });
    });

    test("a lone surrogate in a message becomes a replacement character", async () => {
      const client = await start({ greet: () => Promise.reject(new StatusError("NOT_FOUND", "a\ud800b")) });
      await expect(client.greet({})).rejects.toMatchObject({ code: "NOT_FOUND", message: "a\ufffdb" });
    });

    test("a dependency's status is not the handler's own", async () => {
      const dependency = await start({ greet: () => Promise.reject(new StatusError("NOT_FOUND", "their secret")) });
      const client = await start({ greet: async () => ({ message: (await dependency.greet({})).message }) });
      await expect(client.greet({})).rejects.toMatchObject({ code: "INTERNAL", message: "internal error" });
    });

    test("a handler that returns no message is INTERNAL", async () => {
      const client = await start({ greet: (async () => undefined) as never });
      await expect(client.greet({})).rejects.toMatchObject({ code: "INTERNAL", message: "internal error" });
    });

    test("54: a stream of responses holds its handler while nobody reads", async () => {
      let produced = 0;
      const client = await start({
        async *listGreetings() {
          for (; produced < 10_000; produced++) yield { message: "m".repeat(10_000) };
        },
      });
      const responses = client.listGreetings({})[Symbol.asyncIterator]();
      await responses.next();
      expect(await standsStill(() => produced)).toBeLessThan(500);
      await responses.return?.();
    });

    test("54: a stream of requests holds its caller while nobody reads", async () => {
      let produced = 0;
      const stop = Promise.withResolvers<void>();
      const client = await start({
        async recordGreetings(requests) {
          for await (const _ of requests) await stop.promise;
          return { count: 1 };
        },
      });
      function* requests() {
        for (; produced < 2_000; produced++) yield { name: "n".repeat(10_000) };
      }
      const answer = client.recordGreetings(requests());
      expect(await standsStill(() => produced)).toBeLessThan(500);
      stop.resolve();
      expect(await answer).toMatchObject({ count: 1 });
      expect(produced).toBe(2_000);
    });

    test("messages of a stream arrive whole and in order, both ways", async () => {
      const client = await start({
        async *chatGreetings(requests) {
          for await (const { name } of requests) yield { message: name };
        },
      });
      const sent = Array.from({ length: 1_000 }, (_, i) => `${i}:${"x".repeat(i % 97)}`);
      const received: string[] = [];
      for await (const { message } of client.chatGreetings(sent.map((name) => ({ name })))) received.push(message);
      expect(received).toEqual(sent);
    });

    test("a handler may leave the requests and still answer", async () => {
      const client = await start({
        async recordGreetings(requests) {
          for await (const _ of requests) break;
          return { count: 7 };
        },
      });
      const names = Array.from({ length: 100 }, () => ({ name: "n" }));
      expect(await client.recordGreetings(names)).toMatchObject({ count: 7 });
    });

    test("an iterable of responses makes no call before it is read", async () => {
      let calls = 0;
      const client = await start({
        greet: async () => ({}),
        async *listGreetings() {
          calls += 1;
          yield {};
        },
      });
      const responses = client.listGreetings({});
      await client.greet({}); // what was called before would have come before
      expect(calls).toBe(0);
      for await (const _ of responses);
      expect(calls).toBe(1);
    });

    test("cancelling reaches the handler's signal, with the status as its reason", async () => {
      const aborted = Promise.withResolvers<unknown>();
      const client = await start({
        greet(_request, call) {
          call.signal.addEventListener("abort", () => aborted.resolve(call.signal.reason));
          controller.abort();
          return new Promise(() => {});
        },
      });
      const controller = new AbortController();
      await expect(client.greet({}, { signal: controller.signal })).rejects.toMatchObject({ code: "CANCELLED" });
      expect(await aborted.promise).toMatchObject({ code: "CANCELLED" });
    });

    test("hooks and handlers run inside every run, and the outer start before the inner", async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen: string[] = [];
      const see = (what: string) => void seen.push(`${what}:${storage.getStore() ?? "outside"}`);
      const outer: Interceptor = () => ({ onStart: () => see("outer start"), run: (next) => storage.run("in", next) });
      const inner: Interceptor = () => ({
        onStart: () => see("inner start"),
        onReceive: () => see("receive"),
        onSend: () => see("send"),
        onEnd: () => see("end"),
      });
      const client = await start(
        {
          async *chatGreetings(requests) {
            for await (const _ of requests) {
              see("handler");
              yield {};
            }
          },
        },
        { server: { interceptors: [outer, inner] } },
      );
      for await (const _ of client.chatGreetings([{ name: "a" }]));
      expect(seen).toEqual(["outer start:outside", "inner start:in", "receive:in", "handler:in", "send:in", "end:in"]);
    });

    test("an interceptor may tighten the deadline", async () => {
      const tighten: Interceptor = (call: Call) => ({
        onStart() {
          call.deadline = Date.now() + 30;
        },
      });
      const client = await start({ greet: () => new Promise(() => {}) }, { server: { interceptors: [tighten] } });
      await expect(client.greet({}, { timeoutMs: 5_000 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    });

    test("trailers may change up to and in onEnd", async () => {
      const stamp: Interceptor = (call) => ({ onEnd: ({ code }) => call.trailers.set("x-code", code) });
      const client = await start({ greet: async () => ({}) }, { server: { interceptors: [stamp] } });
      let code: unknown;
      await client.greet({}, { onTrailers: (trailers) => (code = trailers.get("x-code")[0]) });
      expect(code).toBe("OK");
    });

    test("a client that is closed makes no calls", async () => {
      const client = await start({ greet: async () => ({}) });
      client.close();
      await expect(client.greet({})).rejects.toMatchObject({ code: "CANCELLED", message: "the client is closed" });
      const list = Array.fromAsync(client.listGreetings({}));
      await expect(list).rejects.toMatchObject({ code: "CANCELLED", message: "the client is closed" });
    });

    test("a call that an interceptor holds while its client is closed ends CANCELLED", async () => {
      const held = Promise.withResolvers<void>();
      const ends: string[] = [];
      const holding: Interceptor = () => ({ onStart: () => held.promise, onEnd: ({ code }) => void ends.push(code) });
      const client = await start({ greet: async () => ({}) }, { client: { interceptors: [holding] } });
      const calls = [client.greet({}), client.recordGreetings([]), Array.fromAsync(client.listGreetings({}))];
      client.close();
      held.resolve();
      const cancelled = { status: "rejected", reason: { code: "CANCELLED", message: "the client is closed" } };
      expect(await Promise.allSettled(calls)).toMatchObject([cancelled, cancelled, cancelled]);
      expect(ends).toEqual(["CANCELLED", "CANCELLED", "CANCELLED"]);
    });

    test("a request that is no message ends its call", async () => {
      const ends: string[] = [];
      const noting: Interceptor = () => ({ onEnd: ({ code }) => void ends.push(code) });
      const client = await start({}, { client: { interceptors: [noting] } });
      const calls = [client.greet(null as never), Array.fromAsync(client.listGreetings("Ada" as never))];
      const refused = { status: "rejected", reason: { code: "INTERNAL", message: "the request is no message" } };
      expect(await Promise.allSettled(calls)).toMatchObject([refused, refused]);
      expect(ends).toEqual(["INTERNAL", "INTERNAL"]);
    });
  });
}
