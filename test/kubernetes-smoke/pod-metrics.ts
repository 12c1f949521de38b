import { adminPortOf, NAMES, type Workload } from "../kubernetes/call-graph.ts";
import type { SmokeCluster } from "./smoke-cluster.ts";

/** How many calls of a contract each pod has served. */
export async function servedBy(cluster: SmokeCluster, name: Workload, contract: string): Promise<Map<string, number>> {
  const pages = await metricsOf(cluster, name);
  const counts = [...pages].map(([pod, page]) => {
    const all = [...page.matchAll(/^grpc_server_handled_total\{(.*)\} (\d+)$/gm)];
    const calls = all.filter(([, labels]) => labels?.includes(`grpc_service="${contract}"`));
    return [pod, calls.reduce((sum, [, , count]) => sum + Number(count), 0)] as const;
  });
  return new Map(counts);
}

/** When the certificate that each pod uses expires, in seconds since 1970. */
export async function expiries(cluster: SmokeCluster): Promise<Map<string, number>> {
  const pages = await Promise.all(NAMES.map((name) => metricsOf(cluster, name)));
  return new Map(
    pages.flatMap((each) =>
      [...each].map(
        ([pod, page]) => [pod, Number(/^tls_certificate_not_after_seconds (\S+)$/m.exec(page)?.[1])] as const,
      ),
    ),
  );
}

/** The metrics of each pod, asked from within it: network policies let nobody else of its namespace. */
async function metricsOf(cluster: SmokeCluster, name: Workload): Promise<Map<string, string>> {
  const read = `fetch("http://127.0.0.1:${adminPortOf(name)}/metrics").then((r) => r.text()).then((t) => process.stdout.write(t))`;
  const pods = await cluster.pods(name);
  const pages = pods.map(async ({ metadata }) => {
    return [metadata.name, await cluster.exec(metadata.name, "node", "--eval", read)] as const;
  });
  return new Map(await Promise.all(pages));
}
