import { setTimeout as delay } from "node:timers/promises";
import { NAMES, WORKLOADS, type Workload } from "../kubernetes/call-graph.ts";
import { SmokeFailure } from "../smoke/smoke-failure.ts";
import type { ClusterStep } from "./cluster-table.ts";
import { budgeted, connected, contained, neverRestarted } from "./pod-checks.ts";
import { servedBy } from "./pod-metrics.ts";
import { renewCertificates } from "./renewed-certificates.ts";
import type { RunningPod, SmokeCluster } from "./smoke-cluster.ts";
import { type ClusterCustomer, startCustomer, startStranger } from "./smoke-pods.ts";

export interface RunClusterStepsOptions {
  cluster: SmokeCluster;
  namespace: string;
  signal: AbortSignal;
  onProgress: (line: string) => void;
  /** Hears of each step that is done. */
  onStep: (step: ClusterStep) => void;
}

const QUIET_MS = 5_000;
/** MAX_CONNECTION_AGE with its jitter, after the 30 s for which DNS is remembered; and what a busy node adds. */
const SHARE_LIMIT_MS = (30 + 66 + 20) * 1000;
const SHARE_POLL_MS = 3_000;

/** Everything that the platform must go through in a cluster, in its order. Throws a SmokeFailure at the first that it does not. */
export async function runClusterSteps(options: RunClusterStepsOptions): Promise<void> {
  const { cluster, namespace, signal, onProgress, onStep } = options;
  const { kubectl } = cluster;

  /** `work` resolves with what was seen, for people. */
  async function step(name: string, work: () => Promise<string>, customer?: ClusterCustomer): Promise<void> {
    onProgress(`${name}...`);
    const startedAt = performance.now();
    await customer?.begin();
    const seen = await work();
    signal.throwIfAborted();
    const tally = await customer?.tally();
    onStep({ name, seen, seconds: (performance.now() - startedAt) / 1000, ...(tally && { tally }) });
    if (tally && tally.failed > 0) {
      const failures = Object.entries(tally.failures).map(([failure, count]) => `${count} x ${failure}`);
      throw new SmokeFailure(`${name}: ${tally.failed} of ${tally.calls} calls failed: ${failures.join("; ")}`);
    }
  }
  const scale = async (replicas: number, ...names: readonly Workload[]) => {
    await kubectl(["scale", `--replicas=${replicas}`, ...names.map((name) => `deployment/${name}`)]);
    await cluster.settled();
  };

  await step("62: ready; three replicas of order and of payment migrated at once", async () => {
    await cluster.settled();
    await neverRestarted(cluster);
    return migrations(cluster);
  });
  await step("two replicas of each", async () => {
    await scale(2, ...NAMES);
    return `${(await cluster.pods()).length} pods`;
  });
  await step("61: pods are nobody, write nowhere and are probed", async () => `${await contained(cluster)} pods`);
  const stranger = await startStranger({ cluster, namespace });
  await step("61: who may connect to whom", async () => {
    const { open, closed } = await connected(cluster, stranger);
    return `${open} ways open, ${closed} refused, as the contracts say`;
  });

  onProgress("a customer in the cluster...");
  const customer = await startCustomer({ cluster, namespace });
  await step("orders through the gateway", () => confirmed(customer, 20, signal), customer);
  await step(
    "61: of two replicas one may be evicted",
    async () => {
      await budgeted(cluster, namespace, "order");
      await cluster.settled();
      return "the second eviction was refused";
    },
    customer,
  );
  await step(
    "49: everything rolled",
    async () => {
      await kubectl(["rollout", "restart", ...NAMES.map((name) => `deployment/${name}`)]);
      await cluster.settled();
      await delay(QUIET_MS, undefined, { signal });
      return "each pod replaced";
    },
    customer,
  );
  await step("57: certificates renewed", () => renewCertificates(cluster, namespace, signal), customer);
  for (const name of ["order", "payment", "user"] as const) {
    await step(
      `one of two ${name} killed`,
      async () => {
        const [{ metadata }] = (await cluster.pods(name)) as [RunningPod];
        await kubectl(["delete", "pod", metadata.name, "--grace-period=0", "--force"]);
        await cluster.settled();
        await delay(QUIET_MS, undefined, { signal });
        return confirmed(customer, 10, signal);
      },
      customer,
    );
  }
  await step(
    "53: order scaled from 1 to 3",
    async () => {
      await scale(1, "order");
      await scale(3, "order");
      return shared(cluster, signal);
    },
    customer,
  );
  await step("all orders confirmed, none twice", async () => {
    const { placed, confirmed } = await customer.stop();
    const rows = await psql(
      cluster,
      "order",
      "select count(*), count(*) filter (where state = 'CONFIRMED') from orders",
    );
    if (placed !== confirmed || rows !== `${placed}|${placed}`) {
      throw new SmokeFailure(`${placed} orders were placed, ${confirmed} confirmed; the database has ${rows}`);
    }
    await neverRestarted(cluster);
    return `${placed} orders`;
  });
}

/** Resolves when the customer has had so many more orders confirmed. */
async function confirmed(customer: ClusterCustomer, count: number, signal: AbortSignal): Promise<string> {
  const before = (await customer.tally()).confirmed;
  for (;;) {
    const { confirmed } = await customer.tally();
    if (confirmed >= before + count) return `${confirmed - before} confirmed`;
    await delay(500, undefined, { signal });
  }
}

/** Resolves when every replica of order has served calls that began after it was there. */
async function shared(cluster: SmokeCluster, signal: AbortSignal): Promise<string> {
  const startedAt = Date.now();
  const before = await servedBy(cluster, "order", ORDER_SERVICE);
  for (;;) {
    await delay(SHARE_POLL_MS, undefined, { signal });
    const counts = await servedBy(cluster, "order", ORDER_SERVICE);
    const served = [...counts].map(([pod, count]) => count - (before.get(pod) ?? 0));
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    if (counts.size === 3 && served.every((count) => count > 0))
      return `each has calls after ${seconds} s: ${served.join(", ")}`;
    if (seconds * 1000 > SHARE_LIMIT_MS)
      throw new SmokeFailure(`after ${seconds} s the replicas of order served ${served.join(", ")}`);
  }
}

const ORDER_SERVICE = "order.v1.OrderService";

/** Each was applied once, whoever of the three came first. */
async function migrations(cluster: SmokeCluster): Promise<string> {
  const counts = NAMES.filter((name) => WORKLOADS[name].stores).map(async (name) => {
    const [count = "", distinct] = (
      await psql(cluster, name, "select count(*), count(distinct checksum) from schema_migration")
    ).split("|");
    if (count === "0" || count !== distinct)
      throw new SmokeFailure(`${name} has ${count} migrations, ${distinct} different`);
    return `${name} ${count}`;
  });
  return `applied once: ${(await Promise.all(counts)).join(", ")}`;
}

async function psql(cluster: SmokeCluster, database: Workload, query: string): Promise<string> {
  const [pod] = (await cluster.pods("postgres")) as [RunningPod];
  const text = await cluster.exec(pod.metadata.name, "psql", "-U", database, "-d", database, "-Atc", query);
  return text.trim();
}
