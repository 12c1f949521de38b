// `make kubernetes-smoke`: the platform in the cluster of kubectl's current context, in a namespace of its own, through
// what happens to pods; and away again.

import { parseArgs } from "node:util";
import { SmokeFailure } from "../smoke/smoke-failure.ts";
import { renderLocal } from "./cluster-manifests.ts";
import { runClusterSteps } from "./cluster-steps.ts";
import { type ClusterStep, formatSteps } from "./cluster-table.ts";
import { findKubectl } from "./kubectl-command.ts";
import { assertOnlyIn, createSmokeCluster, OURS } from "./smoke-cluster.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);
const { values } = parseArgs({ options: { keep: { type: "boolean", default: false }, drain: { type: "string" } } });
const namespace = "tenon-smoke";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!stop.signal.aborted) say("Stopping: the namespace is removed first.");
    stop.abort(new SmokeFailure(`ended by ${signal}`));
  });
}

const steps: ClusterStep[] = [];
try {
  const kubectl = await findKubectl({ namespace, signal: stop.signal });
  say(`In the cluster of the context ${kubectl.context}, in the namespace ${namespace} alone.`);
  const manifests = await renderLocal({
    ...{ namespace, labels: OURS, drainWait: values.drain, onProgress: say },
    // Which so come to an empty database at once.
    replicas: { order: 3, payment: 3 },
  });
  assertOnlyIn(namespace, manifests);
  await using cluster = await createSmokeCluster({
    kubectl,
    namespace,
    keep: values.keep,
    signal: stop.signal,
    onProgress: say,
  });
  await cluster.apply(manifests);
  await runClusterSteps({
    ...{ cluster, namespace, signal: stop.signal, onProgress: say },
    onStep: (step) => void steps.push(step),
  });
} catch (error) {
  const reason = stop.signal.aborted ? stop.signal.reason : error;
  if (!(reason instanceof SmokeFailure)) throw reason;
  process.stderr.write(`kubernetes-smoke: ${reason.message}\n`);
  process.exitCode = 1;
} finally {
  if (steps.length > 0) say(`\n${formatSteps(steps)}\n`);
}
