import { StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { KINDS, startGreeter } from "../greeter-fixture.ts";
import { rpcMetrics } from "./rpc-metrics.ts";
import { registerMetrics } from "./telemetry-fixture.ts";

for (const { kind, method, invoke } of KINDS) {
  test(`${kind} calls are measured on both sides, by the conventions`, async () => {
    const collect = registerMetrics();
    let fail = false;
    const { greetings } = await startGreeter({
      server: [rpcMetrics()],
      client: [rpcMetrics({ server: { address: "greeter", port: 8080 } })],
      inHandler: () => {
        if (fail) throw new StatusError("NOT_FOUND", "no such name");
      },
    });
    await invoke(greetings);
    fail = true;
    await invoke(greetings).catch(() => {});
    const common = { "rpc.system.name": "grpc", "rpc.method": `greeter.v1.GreetingService/${method}` };
    const target = { "server.address": "greeter", "server.port": 8080 };
    const measured = (await collect()).map(({ descriptor, dataPoints }) => ({
      name: descriptor.name,
      unit: descriptor.unit,
      attributes: dataPoints.map(({ attributes }) => attributes),
      counts: dataPoints.map(({ value }) => (value as { count: number }).count),
    }));
    expect(measured).toEqual([
      {
        name: "rpc.client.call.duration",
        unit: "s",
        attributes: [
          { ...common, ...target, "rpc.status_code": "OK" },
          { ...common, ...target, "rpc.status_code": "NOT_FOUND", "error.type": "NOT_FOUND" },
        ],
        counts: [1, 1],
      },
      {
        name: "rpc.server.call.duration",
        unit: "s",
        attributes: [
          { ...common, "rpc.status_code": "OK" },
          { ...common, "rpc.status_code": "NOT_FOUND" },
        ],
        counts: [1, 1],
      },
    ]);
  });
}

test("methods that nobody serves share one series", async () => {
  const collect = registerMetrics();
  const interceptor = rpcMetrics();
  for (const name of ["A", "B"]) {
    const method = {
      path: `/invented/${name}`,
      service: "invented",
      name,
      requestStream: false,
      responseStream: false,
    };
    const hooks = interceptor({ side: "server", method } as never);
    hooks.onStart?.();
    hooks.onEnd?.({ code: "UNIMPLEMENTED", message: "", error: undefined });
  }
  const [metric] = await collect();
  expect(metric?.dataPoints.map(({ attributes }) => attributes["rpc.method"])).toEqual(["_OTHER"]);
});

test("without an SDK nothing happens, and one that comes later is found", async () => {
  const interceptor = rpcMetrics();
  expect(interceptor({ side: "server" } as never)).toEqual({});
  registerMetrics();
  expect(interceptor({ side: "server" } as never)).toHaveProperty("onEnd");
});
