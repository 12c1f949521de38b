// Our server with the standard chain, `--key=<public JWK>`, as a process of ours runs: with telemetry as OTEL_* ask for it.
import { parseArgs } from "node:util";
import { createServer } from "@tenon/grpc";
import { runMain } from "@tenon/runtime";
import { benchChain } from "./bench-chain.ts";
import { BENCH_SERVICES as services } from "./bench-services.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({ options: { key: { type: "string", default: "" } } });

await runMain("bench", async () => {
  const server = createServer({
    services,
    interceptors: benchChain({ services, key: JSON.parse(values.key), uncached: false }),
  });
  announce(await server.listen({ host: "127.0.0.1", port: 0 }));
  return server;
});
