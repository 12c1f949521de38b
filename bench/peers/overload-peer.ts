// A server that can do so much and no more: each call needs one of `--connections=4` for `--query=10` milliseconds, as a pool
// of database connections would give them out. `--key=<public JWK>` is its caller's; with `--shedding` it sheds load.
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { createHealth, createServer, implement, type Method, methodsOf } from "@tenon/grpc";
import { createKeySource, createServiceTokenVerifier, standardServer } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { Registry } from "prom-client";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({
  options: {
    key: { type: "string", default: "" },
    connections: { type: "string", default: "4" },
    query: { type: "string", default: "10" },
    shedding: { type: "boolean", default: false },
  },
});

let free = Number(values.connections);
const waiting: (() => void)[] = [];

/** First come, first served; whoever has left is passed over. */
async function query(signal: AbortSignal): Promise<object> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    if (!signal.aborted) await sleep(Number(values.query));
    return {};
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}

const notMeasured = async () => {
  throw new Error("not measured");
};
const services = [
  implement(paymentv1.PaymentService, {
    capturePayment: async (_, { signal }) => query(signal), // PRIORITY_HIGH
    getPayment: async (_, { signal }) => query(signal), // normal
    listPayments: async (_, { signal }) => query(signal), // low, as the server below says
    authorizePayment: notMeasured,
    voidPayment: notMeasured,
    refundPayment: notMeasured,
  }),
];
const health = createHealth({ services: [] });
health.setAll(true);
const natives = [health.native];
const priorityOf = ({ name }: Method) => (name === "ListPayments" ? "low" : undefined);
const sink = openSync("/dev/null", "w");
const keys = createKeySource({ fetch: async () => ({ keys: [JSON.parse(values.key)] }) });
const server = createServer({
  ...{ services, natives },
  interceptors: standardServer({
    logger: createLogger({ name: "bench", destination: { write: (line) => void writeSync(sink, line) } }),
    registry: new Registry(),
    methods: methodsOf(services, natives),
    auth: { services: createServiceTokenVerifier({ keys, audience: "payment" }) },
    ...(values.shedding && { loadShedding: { priorityOf } }),
  }),
});
announce(await server.listen({ host: "127.0.0.1", port: 0 }));
