// `make bench-server`: our server beside others, the same work and the same load for all. See README.md.
import { SERVER_AIMS } from "./aims.ts";
import { benchChain } from "./peers/bench-chain.ts";
import { runBench } from "./run-bench.ts";
import { BASELINE, serverPeers } from "./server-peers.ts";
import { WORKLOADS } from "./workloads.ts";

await runBench({
  name: "server",
  title: "gRPC servers: CPU a call",
  baseline: BASELINE,
  workloads: WORKLOADS,
  aims: SERVER_AIMS,
  async start({ go, key }) {
    const chainLength = benchChain({ services: [], key, uncached: false }).length;
    return { peers: serverPeers({ chainLength, key, goProgram: go.program }), close: async () => {} };
  },
});
