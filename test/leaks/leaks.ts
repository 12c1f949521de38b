// `make leaks`: what calls leave behind on the heap of a process that is their server and their client, both with the whole
// standard chain, over a port. Exits with 1 where it is more than nothing. `--leak` keeps something of each call on purpose.
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import { type Call, createClient, createServer, type Interceptor, methodsOf } from "@tenon/grpc";
import { standardClient, standardServer } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { createTestIssuer, implementPart } from "@tenon/testing";
import { Registry } from "prom-client";
import { type HeapPoint, heapSlope } from "./heap-slope.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "200000" },
    streams: { type: "string", default: "20000" },
    leak: { type: "boolean", default: false },
  },
});
const ROUNDS = 20;
/** The first rounds fill caches and pools, and have code compiled. */
const WARM_UP_ROUNDS = 5;
const AT_ONCE = 50;
/** An object of one field has 32 bytes. A stream that is cancelled counts for both of its ends. */
const MAX_BYTES = { calls: 16, streams: 64 } as const;
/** What compiled code and caches may still grow by in all, however few the calls. */
const SLACK_BYTES = 2 ** 19;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const say = (line: string) => process.stdout.write(`${line}\n`);

const kept: Call[] = [];
const leaking: Interceptor = (call) => ({ onStart: () => void (values.leak && kept.push(call)) });
const untilEnded = ({ signal }: Call) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
const services = [
  implementPart(greeterv1.GreetingService, {
    greet: async ({ name }) => {
      if (name === "refused") throw new StatusError("NOT_FOUND", "nobody of that name");
      return { message: `Hello ${name}` };
    },
    async *listGreetings(_, call) {
      yield { message: "Hello" };
      await untilEnded(call);
    },
    recordGreetings: async () => ({}),
    async *chatGreetings(requests) {
      for await (const { name } of requests) yield { message: `Hello ${name}` };
    },
  }),
];
const issuer = createTestIssuer();
const logger = createLogger({ name: "leaks", destination: { write() {} } });
const registry = new Registry();
const server = createServer({
  services,
  interceptors: [
    leaking,
    ...standardServer({
      logger,
      registry,
      methods: methodsOf(services),
      auth: issuer.verifiers("greeter"),
      loadShedding: { minLimit: 200, initialLimit: 200 }, // how busy the machine is does not matter here
      rateLimits: { classes: { read: { perSecond: 1e6, burst: 1e6 } } },
      trustedProxies: ["127.0.0.1"],
    }),
  ],
});
const port = await server.listen({ host: "127.0.0.1", port: 0 });
const client = createClient(greeterv1.GreetingService, {
  target: `127.0.0.1:${port}`,
  interceptors: standardClient({
    logger,
    registry,
    circuitBreaker: {},
    identity: { tokens: issuer.serviceTokens("order"), audience: "greeter" },
  }),
});

/** Three of four go well. */
async function call(n: number): Promise<void> {
  await client.greet({ name: n % 4 === 0 ? "refused" : "John" }, { timeoutMs: 600_000 }).catch((error: StatusError) => {
    if (error.code !== "NOT_FOUND") throw error;
  });
}

/** Left by its caller after the first message, or at once. */
async function stream(n: number): Promise<void> {
  const leave = new AbortController();
  const options = { timeoutMs: 600_000, signal: leave.signal };
  const responses = n % 2 === 0 ? client.listGreetings({}, options) : client.chatGreetings([{ name: "Ada" }], options);
  for await (const _ of responses) {
    if (n % 4 === 0) break;
    leave.abort();
    break;
  }
}

async function inRounds(
  what: keyof typeof MAX_BYTES,
  count: number,
  make: (n: number) => Promise<void>,
): Promise<boolean> {
  const points: HeapPoint[] = [];
  let made = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const until = (count * (round + 1)) / ROUNDS; made < until; made += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => make(made + i)));
    }
    await new Promise((resolve) => setTimeout(resolve, 20)); // what ends after its caller knows
    collectGarbage();
    points.push({ calls: made, bytes: process.memoryUsage().heapUsed });
  }
  const bytes = heapSlope(points.slice(WARM_UP_ROUNDS));
  const [first, last] = [points[WARM_UP_ROUNDS], points.at(-1)].map((point) =>
    ((point?.bytes ?? 0) / 2 ** 20).toFixed(1),
  );
  const ok = bytes <= MAX_BYTES[what] + SLACK_BYTES / made;
  say(
    `${made} ${what}: ${bytes.toFixed(1)} bytes each stay on the heap (${first} MiB, later ${last} MiB): ${ok ? "none leak" : "LEAK"}`,
  );
  return ok;
}

const calls = await inRounds("calls", Number(values.calls), call);
const streams = await inRounds("streams", Number(values.streams), stream);
client.close();
await server.close({ graceMs: 1000 });
process.exitCode = calls && streams ? 0 : 1;
