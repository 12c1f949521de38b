// What each interceptor costs a call: CPU and allocations of calls within one process, with it alone on the server, less those of
// calls without. A program of its own, because it needs a heap whose garbage is not collected meanwhile; prints JSON.
import { openSync, writeSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { createClient, createMetadata, createServer, type Interceptor, methodsOf } from "@tenon/grpc";
import * as interceptors from "@tenon/interceptors";
import { createLogger, createTurnWriter } from "@tenon/logger";
import { Registry } from "prom-client";
import { AUDIENCE, createCaller, ISSUER } from "./bench-token.ts";
import { BENCH_SERVICES as services } from "./peers/bench-services.ts";
import { ORDERED } from "./served-work.ts";
import { median } from "./statistics.ts";

export interface InterceptorCost {
  readonly name: string;
  /** Microseconds of CPU a call, small and of the size of an order, and bytes allocated for a small one. */
  readonly small: number;
  readonly order: number;
  readonly bytes: number;
}

const ROUNDS = Number(process.argv[2] ?? 9);
const CALLS = Number(process.argv[3] ?? 4000);
const WARM_UP_CALLS = CALLS * 2;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const sink = openSync("/dev/null", "w");
const destination = createTurnWriter({ write: (lines) => void writeSync(sink, lines) });
const logger = createLogger({ name: "bench", destination });
const methods = methodsOf(services);
const { token, key } = await createCaller();
const users = interceptors.createTokenVerifier({
  keys: interceptors.createKeySource({ fetch: async () => ({ keys: [key] }) }),
  issuer: ISSUER,
  audience: AUDIENCE,
});
const plenty = { perSecond: 1e6, burst: 1e6 };

/** As the standard chain has them; their exporters are /dev/null, a registry that nobody asks, and no SDK. */
const CHAINS: Readonly<Record<string, () => readonly Interceptor[]>> = {
  "one that does nothing": () => [() => ({ onStart() {}, onReceive() {}, onSend() {}, onEnd() {} })],
  propagation: () => [interceptors.propagation()],
  tracing: () => [interceptors.tracing({ methods })],
  logging: () => [interceptors.logging(logger)],
  metrics: () => [interceptors.metrics(new Registry(), { side: "server", methods })],
  rpcMetrics: () => [interceptors.rpcMetrics({ methods })],
  recovery: () => [interceptors.recovery(logger, { methods })],
  deadline: () => [interceptors.deadline()],
  auth: () => [interceptors.auth({ users, methods })],
  validation: () => [interceptors.validation({ methods })],
  loadShedding: () => [interceptors.loadShedding({ minLimit: 1000, initialLimit: 1000 })],
  rateLimit: () => [interceptors.rateLimit({ classes: { read: plenty, write: plenty } })],
  clientAddress: () => [interceptors.clientAddress({ trustedProxies: ["10.0.0.0/8"] })],
  requestIdHeader: () => [interceptors.requestIdHeader()],
  serverTiming: () => [interceptors.serverTiming()],
  "standard chain": () => interceptors.standardServer({ logger, registry: new Registry(), methods, auth: { users } }),
};

function createSubject(chain: readonly Interceptor[]) {
  const server = createServer({ services, interceptors: chain });
  const greetings = createClient(greeterv1.GreetingService, { target: server });
  const orders = createClient(orderv1.OrderService, { target: server });
  const options = () => ({ metadata: createMetadata({ authorization: `Bearer ${token}` }), timeoutMs: 60_000 });
  const order = {
    requestId: "5b0c2f9e-6c1d-4a53-9e0f-2f0f5d1c7a11",
    paymentMethod: "pm_ok",
    items: [...ORDERED.items],
  };
  return {
    small: () => greetings.greet({ name: "Ada Lovelace" }, options()),
    order: () => orders.createOrder(order, options()),
  };
}

async function run(call: () => Promise<unknown>, calls: number): Promise<{ us: number; bytes: number }> {
  collectGarbage();
  const heap = process.memoryUsage().heapUsed;
  const cpu = process.cpuUsage();
  for (let n = 0; n < calls; n++) await call();
  const { user, system } = process.cpuUsage(cpu);
  return { us: (user + system) / calls, bytes: (process.memoryUsage().heapUsed - heap) / calls };
}

const bare = createSubject([]);
const subjects = Object.entries(CHAINS).map(([name, create]) => ({ name, ...createSubject(create()) }));
for (const { small, order } of [bare, ...subjects]) {
  await run(small, WARM_UP_CALLS);
  await run(order, WARM_UP_CALLS);
}
const measured = new Map(
  subjects.map(({ name }) => [name, { small: [] as number[], order: [] as number[], bytes: [] as number[] }]),
);
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, small, order } of round % 2 === 0 ? subjects : subjects.toReversed()) {
    // Beside each its own bare ones, because a machine is not equally fast all the time.
    const [without, withIt] = [await run(bare.small, CALLS), await run(small, CALLS)];
    const [orderWithout, orderWith] = [await run(bare.order, CALLS), await run(order, CALLS)];
    const figures = measured.get(name);
    figures?.small.push(withIt.us - without.us);
    figures?.order.push(orderWith.us - orderWithout.us);
    figures?.bytes.push(withIt.bytes - without.bytes);
  }
}
const costs: InterceptorCost[] = [...measured].map(([name, { small, order, bytes }]) => {
  return { name, small: median(small), order: median(order), bytes: median(bytes) };
});
process.stdout.write(JSON.stringify(costs));
