// `make bench-gateway`: one REST call through our gateway, and through others that do the same. See README.md.
import { GATEWAY_AIMS } from "./aims.ts";
import { GATEWAY_BASELINE, gatewayPeers } from "./gateway-peers.ts";
import { GATEWAY_WORKLOADS } from "./gateway-workloads.ts";
import { startPeer } from "./peer-process.ts";
import { routeMatching } from "./route-matching.ts";
import { runBench, say } from "./run-bench.ts";
import { serverPeers } from "./server-peers.ts";

await runBench({
  name: "gateway",
  title: "REST to gRPC: CPU a request",
  baseline: GATEWAY_BASELINE,
  workloads: GATEWAY_WORKLOADS,
  aims: GATEWAY_AIMS,
  async start({ go, cores, key }) {
    const servers = serverPeers({ chainLength: 0, key, goProgram: go.program });
    const backend = servers.find(({ name }) => name === (go.program === undefined ? "tenon" : "grpc-go"));
    if (backend === undefined) throw new Error("there is no server to be the backend");
    say(`Backend on the load's core: ${backend.title}.`);
    const running = await startPeer(backend.command, cores.load);
    return {
      peers: gatewayPeers({ backend: `127.0.0.1:${running.port}`, goProgram: go.program }),
      close: running.stop,
    };
  },
  notes: () =>
    routeMatching().map(({ routes, nanoseconds }) => `Matching one of ${routes} routes: ${nanoseconds.toFixed(0)} ns.`),
});
