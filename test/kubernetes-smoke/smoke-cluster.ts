import { setTimeout as delay } from "node:timers/promises";
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Namespace, Pod } from "kubernetes-types/core/v1.d.ts";
import { SmokeFailure } from "../smoke/smoke-failure.ts";
import type { Manifest } from "./cluster-manifests.ts";
import type { Kubectl } from "./kubectl-command.ts";

const SETTLE_LIMIT_MS = 10 * 60_000;
const DELETE_LIMIT_MS = 3 * 60_000;
const POLL_MS = 1000;
/** What tells a namespace of this test from one that somebody else has made under its name. */
export const OURS = { "app.kubernetes.io/managed-by": "tenon-kubernetes-smoke" };

export interface SmokeClusterOptions {
  kubectl: Kubectl;
  namespace: string;
  /** Leaves the namespace there in the end. */
  keep: boolean;
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** The one namespace that the test has made for itself. */
export interface SmokeCluster extends AsyncDisposable {
  readonly kubectl: Kubectl;
  apply(manifests: readonly object[]): Promise<void>;
  /** Resolves when every deployment has as many pods as it is to have, all new and ready, and those that were to go are gone. */
  settled(): Promise<void>;
  /** Of a deployment or another `app.kubernetes.io/name`: those that are there and not about to go. */
  pods(name?: string): Promise<readonly RunningPod[]>;
  /** The output of a command in a pod, or in the first one of a deployment. Rejects where it fails. */
  exec(pod: string, ...command: readonly string[]): Promise<string>;
}

export type RunningPod = Pod & { metadata: { name: string }; status: { podIP: string } };

/** Makes the namespace; what an earlier run left of it is removed. One of that name that is not this test's is left alone. */
export async function createSmokeCluster(options: SmokeClusterOptions): Promise<SmokeCluster> {
  const { kubectl, namespace, keep, signal, onProgress } = options;
  const present = (await kubectl.list<Namespace>("namespaces")).find(({ metadata }) => metadata?.name === namespace);
  const [label, ours] = Object.entries(OURS)[0] as [string, string];
  if (present && present.metadata?.labels?.[label] !== ours) {
    throw new SmokeFailure(`there is a namespace ${namespace} that this test has not made: it is left as it is`);
  }
  if (present) await remove();

  /** Without the pods' own time to go: what they still could finish is of no use to anybody. */
  async function remove(): Promise<void> {
    onProgress(`Removing the namespace ${namespace}...`);
    const limit = { timeoutMs: DELETE_LIMIT_MS, signal: AbortSignal.timeout(2 * DELETE_LIMIT_MS) };
    await kubectl(["delete", "deployments,jobs", "--all", "--wait=false"], limit);
    await kubectl(["delete", "pods", "--all", "--grace-period=1", "--wait=false"], limit);
    await kubectl(["delete", "namespace", namespace], limit);
  }

  async function settled(): Promise<void> {
    for (let startedAt = Date.now(), told = ""; ; await delay(POLL_MS, undefined, { signal })) {
      const deployments = await kubectl.list<Deployment>("deployments");
      const pods = await kubectl.list<Pod>("pods", PART_OF);
      refuseMissingImages(pods);
      const wanted = deployments.reduce((sum, { spec }) => sum + (spec?.replicas ?? 1), 0);
      const ready = pods.filter(isReady).length;
      const line = `  ${ready} of ${wanted} pods ready${pods.length > wanted ? `, ${pods.length - wanted} more there` : ""}`;
      if (line !== told) onProgress(line);
      told = line;
      if (deployments.every(isSettled) && pods.length === wanted) return;
      if (Date.now() - startedAt < SETTLE_LIMIT_MS) continue;
      const open = deployments.filter((each) => !isSettled(each)).map(({ metadata }) => metadata?.name);
      throw new SmokeFailure(`not settled after ${SETTLE_LIMIT_MS / 60_000} minutes: ${open.join(", ")};${line}`);
    }
  }

  return {
    kubectl,
    settled,
    async apply(manifests) {
      const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests });
      await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], { input, linesOfFailure: 10 });
    },
    async pods(name) {
      const pods = await kubectl.list<RunningPod>("pods", name && `app.kubernetes.io/name=${name}`);
      return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    },
    exec: (pod, ...command) => kubectl(["exec", pod, "--", ...command]),
    async [Symbol.asyncDispose]() {
      if (keep) return onProgress(`The namespace ${namespace} is left as it is.`);
      await remove();
      onProgress(`The namespace ${namespace} is gone.`);
    },
  };
}

/** All manifests at once, as one that is not of the namespace would have to be seen to be refused. */
export function assertOnlyIn(namespace: string, manifests: readonly Manifest[]): void {
  const outside = manifests.find(({ kind, metadata }) =>
    kind === "Namespace" ? metadata.name !== namespace : metadata.namespace !== namespace,
  );
  if (outside) throw new SmokeFailure(`${outside.kind} ${outside.metadata.name} is not of the namespace ${namespace}`);
}

const PART_OF = "app.kubernetes.io/part-of=tenon";

function isSettled({ metadata, spec, status }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas].map((count = 0) => count);
  return status?.observedGeneration === metadata?.generation && counts.every((count) => count === wanted);
}

const isReady = ({ status, metadata }: Pod): boolean =>
  metadata?.deletionTimestamp === undefined &&
  (status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");

const NO_IMAGE = ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"];

function refuseMissingImages(pods: readonly Pod[]): void {
  const waiting = pods.flatMap(({ status }) => status?.containerStatuses ?? []);
  const missing = waiting.filter(({ state }) => NO_IMAGE.includes(state?.waiting?.reason ?? ""));
  if (missing.length === 0) return;
  const images = [...new Set(missing.map(({ image }) => image))].join(" ");
  throw new SmokeFailure(
    `the cluster cannot pull ${images}. Build with \`make images\`, then bring them in: kind load docker-image ${images}, or minikube image load, or k3d image import`,
  );
}
