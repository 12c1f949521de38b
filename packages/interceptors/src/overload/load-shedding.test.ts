import { type Call, createMetadata, type Interceptor } from "@tenon/grpc";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { KINDS, startGreeter } from "../greeter-fixture.ts";
import type { Priority } from "./admission.ts";
import { type LoadSheddingOptions, loadShedding } from "./load-shedding.ts";
import { createSimulation, createTraffic, type Outcome } from "./overload-fixture.ts";

const priorityOf = ({ name }: { name: string }) => name as Priority;
const admitted = (outcomes: readonly Outcome[]) => outcomes.filter((outcome) => outcome.admitted);
const share = (outcomes: readonly Outcome[], priority?: Priority) => {
  const of = outcomes.filter((outcome) => priority === undefined || outcome.priority === priority);
  return admitted(of).length / of.length;
};
const quantile = (outcomes: readonly Outcome[], q: number) => {
  const sorted = admitted(outcomes)
    .map(({ tookMs }) => tookMs)
    .sort((a, b) => a - b);
  return sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
};

for (const { capacity, serviceMs } of [
  { capacity: 10, serviceMs: 20 },
  { capacity: 40, serviceMs: 100 },
  { capacity: 4, serviceMs: 5 },
]) {
  test(`50: ${capacity} calls of ${serviceMs} ms at once: five times that load costs little and passes without a trace`, {
    timeout: 120_000,
  }, async () => {
    const simulation = createSimulation();
    const { nowMs, schedule, random } = simulation;
    const traffic = createTraffic(simulation, loadShedding({ nowMs, schedule, random, priorityOf }), {
      capacity,
      serviceMs,
    });
    const peak = (capacity / serviceMs) * 1000;
    expect(share(await traffic.run(peak / 2, 10_000))).toBeGreaterThan(0.999);

    await traffic.run(peak * 5, 5000); // while the limit comes down
    const overload = await traffic.run(peak * 5, 15_000);
    expect(admitted(overload).length / 15).toBeGreaterThan(0.8 * peak);
    expect(quantile(overload, 0.99)).toBeLessThan(100 + 6 * Math.max(serviceMs, 10)); // the longest wait, and a call at the limit
    expect(share(overload, "high")).toBeGreaterThan(0.9);
    expect(share(overload, "high")).toBeGreaterThan(share(overload, "normal") + 0.1);
    expect(share(overload, "normal")).toBeGreaterThan(share(overload, "low"));

    await traffic.run(peak / 2, 5000);
    expect(share(await traffic.run(peak / 2, 5000))).toBeGreaterThan(0.999);
  });
}

const nameOf = ({ requestMetadata }: Call) => String(requestMetadata.get("name")[0]);
const named = (name: string) => ({ metadata: createMetadata({ name }), timeoutMs: 10_000 });

/** A greeter that does one thing at a time, until it is told that one is done. */
async function startNarrow(options: LoadSheddingOptions = {}, around: Interceptor[] = []) {
  const begun: string[] = [];
  const releases = new Map<string, () => void>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const reached = (name: string) => {
    const known = waiting.get(name) ?? Promise.withResolvers<void>();
    waiting.set(name, known);
    return known;
  };
  const shedding = loadShedding({ initialLimit: 1, minLimit: 1, maxLimit: 1, maxWaitMs: 10_000, ...options });
  const { greetings } = await startGreeter({
    server: [...around, shedding],
    async inHandler(call) {
      const name = nameOf(call);
      begun.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      releases.set(name, resolve);
      reached(name).resolve();
      await promise;
    },
  });
  return {
    greetings,
    begun,
    /** When the handler of this call runs. */
    begins: (name: string) => reached(name).promise,
    release: (name: string) => releases.get(name)?.(),
  };
}

test("a call for which there is no room waits, and runs when another has ended", async () => {
  const { greetings, begun, begins, release } = await startNarrow();
  const first = greetings.greet({ name: "a" }, named("first"));
  await begins("first");
  const second = greetings.greet({ name: "b" }, named("second"));
  release("first");
  await first;
  await begins("second");
  release("second");
  expect(await second).toMatchObject({ message: "Hello b" });
  expect(begun).toEqual(["first", "second"]);
});

test("50: a call that finds the queue full is refused with when to come again", async () => {
  const { greetings, begins, release } = await startNarrow({ maxQueue: 0, random: () => 0.5 });
  const first = greetings.greet({}, named("first"));
  await begins("first");
  const refusal = { code: "RESOURCE_EXHAUSTED", reason: "OVERLOADED", retryDelayMs: 1000 };
  await expect(greetings.greet({}, named("second"))).rejects.toMatchObject(refusal);
  release("first");
  await first;
});

test("a call waits no longer than it may", async () => {
  const { greetings, begins, release } = await startNarrow({ maxWaitMs: 5 });
  const first = greetings.greet({}, named("first"));
  await begins("first");
  await expect(greetings.greet({}, named("second"))).rejects.toMatchObject({ reason: "OVERLOADED" });
  release("first");
  await first;
});

test("who leaves while he waits leaves no trace, and who leaves while he runs makes room", async () => {
  const registry = new Registry();
  const left = Promise.withResolvers<void>();
  const tellEnd: Interceptor = (call) => ({
    onEnd: () => nameOf(call) === "waiting" && left.resolve(),
  });
  const { greetings, begins, release, begun } = await startNarrow({ registry }, [tellEnd]);
  const running = new AbortController();
  const first = greetings.greet({}, { ...named("running"), signal: running.signal });
  await begins("running");
  const waiting = new AbortController();
  const second = greetings.greet({}, { ...named("waiting"), signal: waiting.signal });
  await expect.poll(() => registry.metrics()).toContain("grpc_server_concurrency_queued 1\n");
  waiting.abort();
  await expect(second).rejects.toMatchObject({ code: "CANCELLED" });
  await left.promise;
  expect(await registry.metrics()).toContain("grpc_server_concurrency_queued 0\n");
  running.abort();
  await expect(first).rejects.toMatchObject({ code: "CANCELLED" });
  const third = greetings.greet({}, named("third"));
  await begins("third");
  release("third");
  await third;
  expect(begun).toEqual(["running", "third"]);
  const text = await registry.metrics();
  for (const line of ["concurrency_in_flight 0", 'shed_total{priority="normal"} 0']) {
    expect(text).toContain(`grpc_server_${line}\n`);
  }
});

test("a call that would not be done before its deadline is not kept waiting", () => {
  const clock = { ms: 0 };
  const shedding = loadShedding({
    initialLimit: 1,
    minLimit: 1,
    maxLimit: 1,
    nowMs: () => clock.ms,
    schedule: () => () => {},
  });
  const method = { path: "/a.B/C", service: "a.B", name: "C", requestStream: false, responseStream: false };
  const call = (timeoutMs: number) =>
    shedding({
      side: "server",
      method,
      deadline: Date.now() + timeoutMs,
      signal: new AbortController().signal,
    } as never);
  for (let n = 0; n < 10; n++) {
    const hooks = call(60_000);
    hooks.onStart?.();
    clock.ms += 500;
    hooks.onEnd?.({ code: "OK", message: "", error: undefined });
  }
  call(60_000).onStart?.();
  expect(() => call(400).onStart?.()).toThrow("overloaded");
  expect(call(60_000).onStart?.()).toBeInstanceOf(Promise);
});

for (const { kind, invoke } of KINDS.slice(1)) {
  test(`a ${kind} call takes no room, and is refused where there is none`, async () => {
    const { greetings, begins, release } = await startNarrow();
    const stream = invoke(greetings, named("stream"));
    await begins("stream");
    const unary = greetings.greet({}, named("unary"));
    await begins("unary");
    await expect(invoke(greetings, named("refused"))).rejects.toMatchObject({ reason: "OVERLOADED" });
    for (const name of ["stream", "unary"]) release(name);
    expect(await Promise.all([stream, unary])).toHaveLength(2);
  });
}

test("50: what is refused is counted by priority", async () => {
  const registry = new Registry();
  const { greetings, begins, release } = await startNarrow({ registry, maxQueue: 0, priorityOf: () => "low" });
  const first = greetings.greet({}, named("first"));
  await begins("first");
  await greetings.greet({}, named("second")).catch(() => {});
  release("first");
  await first;
  const text = await registry.metrics();
  for (const line of ['shed_total{priority="low"} 1', 'shed_total{priority="high"} 0', "concurrency_limit 1"]) {
    expect(text).toContain(`grpc_server_${line}\n`);
  }
});

test("50: health and reflection are never refused, and a client is left alone", () => {
  const shedding = loadShedding();
  for (const service of ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]) {
    expect(shedding({ side: "server", method: { service } } as never)).toEqual({});
  }
  expect(shedding({ side: "client", method: {} } as never)).toEqual({});
});

for (const [name, value] of [
  ["initialLimit", 0],
  ["initialLimit", 1.5],
  ["minLimit", 0],
  ["minLimit", -1],
  ["maxLimit", Number.POSITIVE_INFINITY],
  ["maxLimit", 0],
  ["maxLimit", -5],
  ["maxQueue", -1],
  ["maxWaitMs", 0],
  ["maxWaitMs", 1e9],
] as const) {
  test(`${name} of ${value} is refused at the start, by name`, () => {
    expect(() => loadShedding({ [name]: value })).toThrow(/^loadShedding: \w+ must be/);
  });
}
