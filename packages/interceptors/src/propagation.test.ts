import { getEventListeners } from "node:events";
import { StatusError } from "@tenon/errors";
import { type Call, createMetadata, type Interceptor, retriesAllowed } from "@tenon/grpc";
import { expect, test } from "vitest";
import { detached } from "./current-call.ts";
import { type GreeterClient, KINDS, startGreeter } from "./greeter-fixture.ts";
import { propagation } from "./propagation.ts";
import { requestIdOf } from "./request-id.ts";

interface Hops {
  over: "memory" | "port";
  /** In the handler of the first service, with a client of the second. */
  inFront: (call: Call, back: GreeterClient) => unknown;
  inBack?: (call: Call) => unknown;
  /** Sees the second call on its client, once `propagation` has. */
  onSentToBack?: (call: Call) => void;
}

/** Two services, of which the first calls the second. */
async function startHops({ over, inFront, inBack, onSentToBack }: Hops) {
  const { greetings: back } = await startGreeter({
    over,
    server: [propagation()],
    client: [propagation(), (call) => ({ onStart: () => onSentToBack?.(call) })],
    ...(inBack && { inHandler: inBack }),
  });
  return startGreeter({ over, server: [propagation()], inHandler: (call) => inFront(call, back) });
}

/** Resolves when the call ends badly, so that a handler that waits for it leaves with it. */
const ended = (call: Call) =>
  new Promise<never>((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));

for (const over of ["memory", "port"] as const) {
  for (const { kind, invoke } of KINDS) {
    test(`46: a ${kind} call over ${over} keeps to its parent's deadline less the margin`, async () => {
      let parent = 0;
      let child = 0;
      let left = Number.POSITIVE_INFINITY;
      const { greetings } = await startHops({
        over,
        inFront: (call, back) => {
          parent = call.deadline;
          return invoke(back, { timeoutMs: 60_000 });
        },
        onSentToBack: (call) => {
          child = call.deadline;
        },
        inBack: (call) => {
          left = call.deadline - Date.now();
        },
      });
      await invoke(greetings, { timeoutMs: 5000 });
      expect(parent - child).toBe(20);
      expect(left).toBeLessThanOrEqual(5000 - 20);
    });

    test(`a ${kind} call over ${over} keeps a shorter deadline of its own`, async () => {
      let left = 0;
      const { greetings } = await startHops({
        over,
        inFront: (_, back) => invoke(back, { timeoutMs: 1000 }),
        inBack: (call) => {
          left = call.deadline - Date.now();
        },
      });
      await invoke(greetings, { timeoutMs: 5000 });
      expect(left).toBeLessThanOrEqual(1000);
    });

    test(`47: a ${kind} call over ${over} ends when the caller of its parent leaves`, async () => {
      const reached = Promise.withResolvers<void>();
      const backEnded = Promise.withResolvers<unknown>();
      const { greetings } = await startHops({
        over,
        inFront: (_, back) => invoke(back),
        inBack: async (call) => {
          reached.resolve();
          await ended(call).catch((error: unknown) => {
            backEnded.resolve(error);
            throw error;
          });
        },
      });
      const abort = new AbortController();
      const call = invoke(greetings, { signal: abort.signal });
      await reached.promise;
      abort.abort();
      await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
      expect(await backEnded.promise).toMatchObject({ code: "CANCELLED" });
    });
  }

  test(`request id and trace context go on over ${over}, other metadata does not`, async () => {
    const seen: Record<string, unknown>[] = [];
    const record = (call: Call) => void seen.push(call.requestMetadata.getMap());
    const { greetings } = await startHops({ over, inFront: (_, back) => back.greet({ name: "Ada" }), inBack: record });
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const metadata = { "x-request-id": "request-7", traceparent, tracestate: "a=b", authorization: "Bearer canary" };
    await greetings.greet({ name: "Ada" }, { metadata: createMetadata(metadata) });
    expect(seen[0]).toMatchObject({ "x-request-id": "request-7", traceparent, tracestate: "a=b" });
    expect(seen[0]).not.toHaveProperty("authorization");
  });
}

test("metadata that the call has already is left as it is", async () => {
  let seen: unknown[] = [];
  const { greetings } = await startHops({
    over: "memory",
    inFront: (_, back) => back.greet({}, { metadata: createMetadata({ "x-request-id": "own" }) }),
    inBack: (call) => {
      seen = call.requestMetadata.get("x-request-id");
    },
  });
  await greetings.greet({}, { metadata: createMetadata({ "x-request-id": "parent" }) });
  expect(seen).toEqual(["own"]);
});

for (const [what, given] of [
  ["none", undefined],
  ["one with spaces", "a b"],
  ["one of 129 characters", "x".repeat(129)],
] as const) {
  test(`a request with ${what} gets an id of ours, the same for all services`, async () => {
    const ids: string[] = [];
    const { greetings } = await startHops({
      over: "memory",
      inFront: (call, back) => {
        ids.push(requestIdOf(call));
        return back.greet({});
      },
      inBack: (call) => void ids.push(requestIdOf(call)),
    });
    await greetings.greet({}, given === undefined ? {} : { metadata: createMetadata({ "x-request-id": given }) });
    expect(ids[0]).toMatch(/^[\da-f-]{36}$/);
    expect(ids[1]).toBe(ids[0]);
  });
}

test("46: a call begun when the time of its parent is up is refused without traffic", async () => {
  let reached = 0;
  const outcome = Promise.withResolvers<unknown>();
  const { greetings } = await startHops({
    over: "port",
    inFront: async (call, back) => {
      await ended(call).catch(() => {});
      await back.greet({}).then(outcome.resolve, outcome.resolve);
    },
    inBack: () => {
      reached += 1;
    },
  });
  await expect(greetings.greet({}, { timeoutMs: 40 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(await outcome.promise).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(reached).toBe(0);
});

test("46: a call with less time left than the margin is refused without traffic", async () => {
  let reached = 0;
  const { greetings } = await startHops({
    over: "memory",
    inFront: (call, back) => {
      call.deadline = Date.now() + 19;
      return back.greet({});
    },
    inBack: () => {
      reached += 1;
    },
  });
  await expect(greetings.greet({}, { timeoutMs: 5000 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(reached).toBe(0);
});

test("after an OK, what still runs finishes, and new calls inherit metadata only", async () => {
  const reached = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const results = Promise.withResolvers<unknown[]>();
  const ids: string[] = [];
  const deadlines: number[] = [];
  const { greetings } = await startHops({
    over: "memory",
    inFront: (_, back) => {
      const running = back.greet({ name: "running" });
      const later = release.promise.then(() => back.greet({ name: "later" }));
      results.resolve(Promise.all([running, later]));
      return reached.promise;
    },
    inBack: async (call) => {
      ids.push(requestIdOf(call));
      deadlines.push(call.deadline);
      reached.resolve();
      await release.promise;
    },
  });
  await greetings.greet({}, { timeoutMs: 5000, metadata: createMetadata({ "x-request-id": "request-7" }) });
  release.resolve();
  expect(await results.promise).toMatchObject([{ message: "Hello running" }, { message: "Hello later" }]);
  expect(ids).toEqual(["request-7", "request-7"]);
  expect(deadlines[1]).toBe(Number.POSITIVE_INFINITY);
});

test("thirty calls of one parent leave no listener behind, and no warning", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on("warning", onWarning);
  const counts: number[] = [];
  const { greetings } = await startHops({
    over: "memory",
    inFront: async (call, back) => {
      const count = () => counts.push(getEventListeners(call.signal, "abort").length);
      count();
      const calls = Array.from({ length: 30 }, () => back.greet({}));
      count();
      await Promise.all(calls);
      count();
    },
  });
  await greetings.greet({});
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", onWarning);
  const [before = 0, during, after] = counts;
  expect([during, after]).toEqual([before + 30, before]);
  expect(warnings).toEqual([]);
});

test("detached work acts for nobody, also when the call that began it is cancelled", async () => {
  const reached = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<unknown>();
  const { greetings } = await startHops({
    over: "memory",
    inFront: async (call, back) => {
      detached(() => {
        void ended(call)
          .catch(() => back.greet({ name: "detached" }))
          .then(outcome.resolve, outcome.reject);
      });
      reached.resolve();
      await ended(call);
    },
  });
  const abort = new AbortController();
  const call = greetings.greet({}, { signal: abort.signal });
  await reached.promise;
  abort.abort();
  await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
  expect(await outcome.promise).toMatchObject({ message: "Hello detached" });
});

test("calls on another's behalf are not retried by the channel", async () => {
  const allowed: boolean[] = [];
  const look: Interceptor = (call) => ({
    onSend: () => void allowed.push(call.values.get(retriesAllowed)),
  });
  const { greetings: back } = await startGreeter({ client: [propagation(), look] });
  const { greetings } = await startGreeter({ server: [propagation()], inHandler: () => back.greet({}) });
  await back.greet({});
  await greetings.greet({});
  expect(allowed).toEqual([true, false]);
});

test("a parent that failed of itself refuses new calls as cancelled", async () => {
  const outcome = Promise.withResolvers<unknown>();
  const { greetings } = await startHops({
    over: "memory",
    inFront: (call, back) => {
      void ended(call)
        .catch(() => back.greet({}))
        .then(outcome.resolve, outcome.resolve);
      throw new StatusError("FAILED_PRECONDITION", "no");
    },
  });
  await expect(greetings.greet({})).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
  expect(await outcome.promise).toMatchObject({ code: "CANCELLED" });
});
