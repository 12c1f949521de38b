import type { Container } from "kubernetes-types/core/v1.d.ts";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.d.ts";
import { adminPortOf, callGraph, NAMES, WORKLOADS, type Workload } from "../kubernetes/call-graph.ts";
import { NATS, POSTGRES } from "../kubernetes/network-policies.ts";
import { SmokeFailure } from "../smoke/smoke-failure.ts";
import type { RunningPod, SmokeCluster } from "./smoke-cluster.ts";

/** Each pod runs as nobody in particular, on a file system that it cannot write to, and is probed. Resolves with how many. */
export async function contained(cluster: SmokeCluster): Promise<number> {
  const pods = (await Promise.all(NAMES.map((name) => cluster.pods(name)))).flat();
  for (const { metadata, spec } of pods) {
    const { startupProbe, livenessProbe, readinessProbe }: Partial<Container> = spec?.containers[0] ?? {};
    if (![startupProbe, livenessProbe, readinessProbe].every(Boolean)) fail(`${metadata.name} is not probed`);
    const seen = await cluster.exec(metadata.name, "node", "--eval", SELF);
    if (seen !== EXPECTED) fail(`${metadata.name} is ${seen} instead of ${EXPECTED}`);
  }
  return pods.length;
}

const SELF = `
const written = ["/app/x", "/tmp/x", "/x"].map((file) => { try { fs.writeFileSync(file, ""); return "written"; } catch (error) { return error.code; } });
const rights = fs.readFileSync("/proc/self/status", "utf8").match(/CapEff:\\s*(\\w+)/)[1];
process.stdout.write([process.getuid(), ...written, Number("0x" + rights)].join(" "));`;
/** Who it is, what became of three files, and its capabilities. */
const EXPECTED = "1000 EROFS EROFS EROFS 0";

/** Of two replicas one may be evicted, and then no other. */
export async function budgeted(cluster: SmokeCluster, namespace: string, name: Workload): Promise<void> {
  const budgets = await cluster.kubectl.list<PodDisruptionBudget>("poddisruptionbudgets");
  const status = budgets.find(({ metadata }) => metadata?.name === name)?.status;
  if (status?.disruptionsAllowed !== 1)
    fail(`the budget of ${name} lets ${status?.disruptionsAllowed} go instead of 1`);
  const [first, second] = (await cluster.pods(name)) as [RunningPod, RunningPod];
  await evict(first);
  const refusal = await evict(second).then(
    () => "nothing",
    (error: Error) => error.message,
  );
  if (!/disruption budget|TooManyRequests/.test(refusal))
    fail(`a second eviction of ${name} was kept back by ${refusal}`);

  function evict({ metadata }: RunningPod): Promise<string> {
    const review = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: metadata.name, namespace } };
    const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/eviction`;
    return cluster.kubectl(["create", "--raw", path, "-f", "-"], { input: JSON.stringify(review) });
  }
}

/**
 * Connects from each kind of pod to each port of each, and compares what went with what the contracts and the lists of stores
 * say. Resolves with how many were let through and how many were not.
 */
export async function connected(cluster: SmokeCluster, stranger: string): Promise<{ open: number; closed: number }> {
  const podOf = async (name: string) => (await cluster.pods(name))[0] as RunningPod;
  const targets = await Promise.all([
    ...NAMES.map(async (name) => ({ name, host: (await podOf(name)).status.podIP, port: WORKLOADS[name].port })),
    ...NAMES.map(async (name) => ({
      name: `${name}'s metrics`,
      host: (await podOf(name)).status.podIP,
      port: adminPortOf(name),
    })),
    { name: "postgres", host: (await podOf("postgres")).status.podIP, port: POSTGRES.port },
    { name: "nats", host: (await podOf("nats")).status.podIP, port: NATS.port },
  ]);
  const allowed = new Set([
    ...callGraph().map(({ from, to }) => `${from} > ${to}`),
    ...NAMES.filter((name) => WORKLOADS[name].stores).map((name) => `${name} > postgres`),
    ...NATS.users.map((name) => `${name} > nats`),
  ]);
  const wrong: string[] = [];
  let [open, closed] = [0, 0];
  for (const from of [...NAMES, stranger]) {
    const pod = from === stranger ? stranger : (await podOf(from)).metadata.name;
    const others = targets.filter(({ name }) => name.replace("'s metrics", "") !== from);
    const went: Record<string, boolean> = JSON.parse(
      await cluster.exec(pod, "node", "--eval", CONNECT, JSON.stringify(others)),
    );
    for (const { name } of others) {
      if (went[name]) open += 1;
      else closed += 1;
      const edge = `${from} > ${name}`;
      if (went[name] !== allowed.has(edge)) wrong.push(`${edge} is ${went[name] ? "open" : "closed"}`);
    }
  }
  if (wrong.length > 0) fail(wrong.join(", "));
  return { open, closed };
}

const CONNECT = `
const connect = ({ name, host, port }) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout: 3000 });
  const end = (open) => { socket.destroy(); resolve([name, open]); };
  socket.on("connect", () => end(true)).on("error", () => end(false)).on("timeout", () => end(false));
});
Promise.all(JSON.parse(process.argv[1]).map(connect)).then((all) => process.stdout.write(JSON.stringify(Object.fromEntries(all))));`;

/** A process that had to be started again did not end as it was told to. */
export async function neverRestarted(cluster: SmokeCluster): Promise<void> {
  const pods = await cluster.pods();
  const restarted = pods.flatMap(({ metadata, status }) => {
    const count = (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
    return count > 0 ? [`${metadata.name} ${count} times`] : [];
  });
  if (restarted.length > 0) fail(`started again by the kubelet: ${restarted.join(", ")}`);
}

function fail(what: string): never {
  throw new SmokeFailure(what);
}
