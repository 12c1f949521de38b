import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { CODES, type Code, StatusError } from "@tenon/errors";
import { createClient, type Interceptor } from "@tenon/grpc";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { KINDS, recordLog, startGreeter } from "../greeter-fixture.ts";
import { circuitBreaker } from "./circuit-breaker.ts";

const FAILURES: readonly Code[] = ["UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];
const SOON = { minCalls: 2, closeAfter: 1 };

for (const code of CODES) {
  const opens = FAILURES.includes(code);
  test(`51: ${code} from the callee ${opens ? "opens it" : "is an answer"}`, async () => {
    const { greetings } = await startGreeter({
      client: [circuitBreaker(SOON)],
      inHandler: () => {
        if (code !== "OK") throw new StatusError(code, "so");
      },
    });
    for (let n = 0; n < 5; n++) await greetings.greet({}, { timeoutMs: 5000 }).catch(() => {});
    const last = await greetings.greet({}, { timeoutMs: 5000 }).catch((error: StatusError) => error);
    const reason = last instanceof StatusError ? last.reason : undefined;
    expect(reason).toBe(opens ? "CIRCUIT_OPEN" : undefined);
  });
}

for (const { kind, method, invoke } of KINDS) {
  test(`51: a ${kind} method that fails is closed to calls, alone, until one goes well again`, async () => {
    const clock = { ms: 0 };
    let well = false;
    let handled = 0;
    const { logger, lines } = recordLog();
    const registry = new Registry();
    const options = { ...SOON, nowMs: () => clock.ms, random: () => 0.5, logger, registry };
    const { greetings } = await startGreeter({
      client: [circuitBreaker(options)],
      inHandler: (call) => {
        if (call.method.name !== method) return;
        handled += 1;
        if (!well) throw new StatusError("UNAVAILABLE", "not well");
      },
    });
    for (let n = 0; n < 2; n++) await invoke(greetings).catch(() => {});
    const refusal = { code: "UNAVAILABLE", reason: "CIRCUIT_OPEN", retryDelayMs: 5000, remote: true };
    await expect(invoke(greetings)).rejects.toMatchObject(refusal);
    expect(handled).toBe(2);
    const others = KINDS.filter((other) => other.method !== method);
    for (const other of others) await other.invoke(greetings);
    const labels = `{grpc_service="greeter.v1.GreetingService",grpc_method="${method}"}`;
    expect(await registry.metrics()).toContain(`grpc_client_circuit_state${labels} 2\n`);

    well = true;
    clock.ms += 5000;
    await invoke(greetings);
    await invoke(greetings);
    expect(await registry.metrics()).toContain(`grpc_client_circuit_state${labels} 0\n`);
    expect(lines).toMatchObject([
      { level: "warn", message: "circuit open", facts: { "grpc.method": method } },
      { level: "info", message: "circuit half-open" },
      { level: "info", message: "circuit closed" },
    ]);
  });
}

test("51: nobody who listens opens it", async () => {
  const client = createClient(greeterv1.GreetingService, {
    target: "127.0.0.1:1",
    interceptors: [circuitBreaker(SOON)],
  });
  for (let n = 0; n < 2; n++)
    await client
      .listGreetings({}, { timeoutMs: 5000 })
      [Symbol.asyncIterator]()
      .next()
      .catch(() => {});
  await expect(client.listGreetings({})[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    reason: "CIRCUIT_OPEN",
  });
  client.close();
});

test("what this side refuses, cancels or gives no time for does not count", async () => {
  let refuse = true;
  const refusing = () => ({
    onStart() {
      if (refuse) throw new StatusError("UNAVAILABLE", "of our own");
    },
  });
  const { greetings } = await startGreeter({
    client: [circuitBreaker(SOON), refusing],
    inHandler: ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
  });
  for (let n = 0; n < 5; n++) await greetings.greet({}).catch(() => {});
  refuse = false;
  for (let n = 0; n < 5; n++) await greetings.greet({}, { timeoutMs: 5 }).catch(() => {});
  for (let n = 0; n < 5; n++) await greetings.greet({}, { signal: AbortSignal.timeout(5) }).catch(() => {});
  await expect(greetings.greet({}, { timeoutMs: 5 })).rejects.not.toMatchObject({ reason: "CIRCUIT_OPEN" });
});

test("a stream that has answered and breaks later is no failure", async () => {
  let sent = 0;
  const breaks: Interceptor = ({ method }) => ({
    onSend() {
      sent += 1;
      if (method.name === "ListGreetings" && sent % 2 === 0) throw new StatusError("UNAVAILABLE", "drained");
    },
  });
  const { greetings } = await startGreeter({ server: [breaks], client: [circuitBreaker(SOON)] });
  const list = async () => {
    for await (const _ of greetings.listGreetings({ names: ["Ada", "Grace"] }));
  };
  for (let n = 0; n < 5; n++) await expect(list()).rejects.toMatchObject({ message: "drained" });
});

for (const [name, value] of [
  ["failureRatio", 0],
  ["failureRatio", 1.5],
  ["minCalls", 0],
  ["windowMs", -1],
  ["openMs", Number.NaN],
  ["maxOpenMs", 1000],
  ["probes", 0.5],
  ["closeAfter", 1e300],
  ["minTimeoutMs", -1],
] as const) {
  test(`${name} of ${value} is refused at the start, by name`, () => {
    expect(() => circuitBreaker({ [name]: value })).toThrow(`circuitBreaker: ${name} must be`);
  });
}
