import { AlwaysOffSampler } from "@opentelemetry/sdk-trace";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Code, StatusError } from "@tenon/errors";
import { createClient, methodsOf } from "@tenon/grpc";
import { createSeededRandom } from "@tenon/testing";
import { type OpenMetricsContentType, Registry } from "prom-client";
import { expect, test } from "vitest";
import { greeter, KINDS, startGreeter } from "../greeter-fixture.ts";
import { codeName } from "./code-name.ts";
import { metrics } from "./metrics.ts";
import { registerTracing } from "./telemetry-fixture.ts";
import { tracing } from "./tracing.ts";

const SERVICE = "greeter.v1.GreetingService";
const METHODS = methodsOf([greeter(() => {})]);

/** The value of the one series of a metric that has all these labels. */
async function value(registry: Registry, name: string, labels: Record<string, string>): Promise<number | undefined> {
  const metric = await registry.getMetricsAsJSON();
  const values = metric.find((one) => name.startsWith(one.name))?.values as
    | { value: number; labels: Record<string, string>; metricName?: string }[]
    | undefined;
  const found = values?.filter(
    (one) =>
      (one.metricName ?? name) === name && Object.entries(labels).every(([key, label]) => one.labels[key] === label),
  );
  expect(found?.length ?? 0, `series of ${name}`).toBeLessThan(2);
  return found?.[0]?.value;
}

for (const side of ["server", "client"] as const) {
  test(`every method of a ${side} is there at 0 with every code before the first call`, async () => {
    const registry = new Registry();
    metrics(registry, { side, methods: METHODS });
    const text = await registry.metrics();
    for (const { kind, method } of KINDS) {
      const labels = `grpc_type="${kind}",grpc_service="${SERVICE}",grpc_method="${method}"`;
      for (const name of ["started", "msg_received", "msg_sent"]) {
        expect(text).toContain(`grpc_${side}_${name}_total{${labels}} 0\n`);
      }
      for (const code of ["OK", "Canceled", "Unauthenticated"]) {
        expect(text).toContain(`grpc_${side}_handled_total{${labels},grpc_code="${code}"} 0\n`);
      }
    }
    expect(text.match(/_handled_total\{/g)).toHaveLength(4 * 17);
    const bounds = [...text.matchAll(/seconds_bucket\{le="([^"]+)".*method="Greet"/g)].map(([, bound]) => bound);
    expect(bounds.join(" ")).toBe("0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf");
  });

  for (const { kind, method, requests, responses, invoke } of KINDS) {
    for (const [code, thrown] of [
      ["OK", undefined],
      ["FailedPrecondition", new StatusError("FAILED_PRECONDITION", "no")],
    ] as const) {
      test(`60: a ${side} counts a ${kind} call and its messages, ended with ${code}`, async () => {
        const registry = new Registry();
        const { greetings } = await startGreeter({
          [side]: [metrics(registry, { side })],
          inHandler: () => {
            if (thrown) throw thrown;
          },
        });
        await invoke(greetings).catch(() => {});
        const labels = { grpc_type: kind, grpc_service: SERVICE, grpc_method: method };
        expect(await value(registry, `grpc_${side}_started_total`, labels)).toBe(1);
        expect(await value(registry, `grpc_${side}_handled_total`, { ...labels, grpc_code: code })).toBe(1);
        expect(await value(registry, `grpc_${side}_handling_seconds_count`, labels)).toBe(1);
        if (thrown !== undefined) return;
        const [received, sent] = side === "server" ? [requests, responses] : [responses, requests];
        expect(await value(registry, `grpc_${side}_msg_received_total`, labels)).toBe(received);
        expect(await value(registry, `grpc_${side}_msg_sent_total`, labels)).toBe(sent);
      });
    }
  }
}

test("60: after many calls of every kind and end, each side has counted what it saw: callers calls, handlers attempts", async () => {
  const CODES = ["OK", "OK", "NOT_FOUND", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL"] as const;
  const [onServer, onClient] = [new Registry(), new Registry()];
  const seen = { server: new Map<string, number>(), client: new Map<string, number>() };
  const note = (side: keyof typeof seen, method: string, code: Code) => {
    const key = `${method} ${codeName(code)}`;
    seen[side].set(key, (seen[side].get(key) ?? 0) + 1);
  };
  const random = createSeededRandom(1);
  const { greetings } = await startGreeter({
    over: "port",
    server: [metrics(onServer, { side: "server" })],
    client: [metrics(onClient, { side: "client" })],
    inHandler: ({ method }) => {
      const code = random.pick(CODES);
      note("server", method.name, code);
      if (code !== "OK") throw new StatusError(code, "no");
    },
  });
  for (let round = 0; round < 50; round++) {
    await Promise.all(
      KINDS.map(async ({ method, invoke }) => {
        const code = await invoke(greetings, { timeoutMs: 10_000 }).then(
          () => "OK" as const,
          (error: StatusError) => error.code,
        );
        note("client", method, code);
      }),
    );
  }
  for (const [side, registry] of [
    ["server", onServer],
    ["client", onClient],
  ] as const) {
    const { values } = (await registry.getSingleMetric(`grpc_${side}_handled_total`)?.get()) ?? { values: [] };
    const counted = values.filter(({ value }) => value > 0);
    const told = counted.map(({ labels, value }) => [`${labels.grpc_method} ${labels.grpc_code}`, value] as const);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(seen[side]));
  }
  const sum = (counts: Map<string, number>) => [...counts.values()].reduce((all, each) => all + each, 0);
  expect(sum(seen.client)).toBe(200);
  // What was repeated was counted by whoever was asked again, and by nobody else.
  expect(sum(seen.server)).toBeGreaterThan(200);
}, 60_000);

test("60: methods that nobody serves share one series, whatever their names", async () => {
  const registry = new Registry();
  const { target } = await startGreeter({ server: [metrics(registry, { side: "server", methods: METHODS })] });
  for (let n = 0; n < 3; n++) {
    const renamed = { ...greeterv1.GreetingService, typeName: `invented.v${n}.Service` };
    const methods = greeterv1.GreetingService.methods.map((method) => ({ ...method, parent: renamed }));
    const client = createClient({ ...renamed, methods } as never, { target }) as never as {
      greet(request: object): Promise<unknown>;
      close(): void;
    };
    await expect(client.greet({})).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
    client.close();
  }
  expect(await registry.metrics()).not.toContain("invented");
  const labels = { grpc_type: "unary", grpc_service: "unknown", grpc_method: "unknown" };
  expect(await value(registry, "grpc_server_handled_total", { ...labels, grpc_code: "Unimplemented" })).toBe(3);
});

test("several on one registry count together", async () => {
  const registry = new Registry();
  for (let n = 0; n < 2; n++) {
    const { greetings } = await startGreeter({ client: [metrics(registry, { side: "client", methods: METHODS })] });
    await greetings.greet({ name: "Ada" });
  }
  expect(await value(registry, "grpc_client_started_total", { grpc_method: "Greet" })).toBe(2);
});

for (const side of ["server", "client"] as const) {
  test(`durations of a ${side} name a trace that is kept, in a registry of OpenMetrics`, async () => {
    const spans = registerTracing();
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const chain = [metrics(registry, { side, methods: METHODS }), tracing()];
    const { greetings } = await startGreeter({ [side]: side === "server" ? chain.toReversed() : chain });
    await greetings.greet({ name: "Ada" });
    const { traceId, spanId } = spans()[0]?.spanContext() ?? {};
    const text = await registry.metrics();
    expect(text).toContain(`# {trace_id="${traceId}",span_id="${spanId}"}`);
    expect(text).toMatch(new RegExp(`grpc_${side}_handled_total\\{.*"Greet",grpc_code="OK"\\} 1\n`));
    expect(text.endsWith("# EOF\n")).toBe(true);
  });
}

test("without a span, or where its trace is not kept, durations name none", async () => {
  registerTracing(new AlwaysOffSampler());
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const { greetings } = await startGreeter({ server: [tracing(), metrics(registry, { side: "server" })] });
  await greetings.greet({ name: "Ada" });
  expect(await registry.metrics()).not.toContain("trace_id");
});
