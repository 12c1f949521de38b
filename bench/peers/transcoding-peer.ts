// Our transcoding: over a gRPC server elsewhere (`--backend=127.0.0.1:50051`) or in this process; on node:http as it is, or
// as the whole gateway (`--whole`), with a log line, metrics, limits and security headers for each request.
import { openSync, writeSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { wireGateway } from "@tenon/gateway";
import { createClient, createServer } from "@tenon/grpc";
import { deadline, standardClient } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { createTranscoder, toNodeListener } from "@tenon/transcoding";
import { Registry } from "prom-client";
import { BENCH_SERVICES } from "./bench-services.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({ options: { backend: { type: "string" }, whole: { type: "boolean", default: false } } });

const sink = openSync("/dev/null", "w");
const logger = createLogger({ name: "bench", destination: { write: (line) => void writeSync(sink, line) } });
const registry = new Registry();
const target = values.backend ?? createServer({ services: BENCH_SERVICES });
const interceptors = values.whole ? standardClient({ logger, registry }) : [deadline()];
const backends = BENCH_SERVICES.map(({ service }) => ({
  service,
  client: createClient(service, { target, interceptors }),
}));

if (values.whole) {
  const rate = { perSecond: 1_000_000, burst: 1_000_000 };
  const gateway = wireGateway({ backends, logger, registry, rates: { requests: rate, credentials: rate } });
  announce(await gateway.listen({ host: "127.0.0.1", port: 0 }));
} else {
  const server = createHttpServer(toNodeListener(createTranscoder({ backends }).handle));
  server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
}
