import { join } from "node:path";
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { ConfigMap } from "kubernetes-types/core/v1.d.ts";
import type { ObjectMeta } from "kubernetes-types/meta/v1.d.ts";
import { parseAllDocuments } from "yaml";
import { makeLocalSecrets } from "../kubernetes/local-secrets.ts";
import { runCommand } from "../smoke/run-command.ts";

const LOCAL = join(import.meta.dirname, "../../deploy/kubernetes/local");
export const LOCAL_SECRETS = join(LOCAL, "secrets");

export interface Manifest {
  readonly kind: string;
  readonly metadata: ObjectMeta & { name: string };
}

export interface RenderOptions {
  namespace: string;
  /** On the namespace. */
  labels: Readonly<Record<string, string>>;
  /** How many pods of these deployments; of others, one. */
  replicas: Readonly<Record<string, number>>;
  /** In place of the DRAIN_WAIT of every service. */
  drainWait: string | undefined;
  onProgress: (line: string) => void;
}

/** deploy/kubernetes/local as kustomize makes it, in another namespace. Its secrets are made where there are none yet. */
export async function renderLocal({
  namespace,
  labels,
  replicas,
  drainWait,
  onProgress,
}: RenderOptions): Promise<Manifest[]> {
  await makeLocalSecrets({ directory: LOCAL_SECRETS, onProgress });
  const documents = parseAllDocuments(await runCommand("kubectl", ["kustomize", LOCAL]));
  return documents.map((document): Manifest => {
    const manifest = document.toJS() as Manifest;
    if (manifest.kind === "Namespace") {
      return { ...manifest, metadata: { name: namespace, labels: { ...manifest.metadata.labels, ...labels } } };
    }
    const { data } = manifest as ConfigMap;
    const { spec } = manifest as unknown as Deployment;
    const count = manifest.kind === "Deployment" ? replicas[manifest.metadata.name] : undefined;
    return {
      ...manifest,
      metadata: { ...manifest.metadata, namespace },
      ...(data?.DRAIN_WAIT !== undefined && drainWait !== undefined && { data: { ...data, DRAIN_WAIT: drainWait } }),
      ...(count !== undefined && { spec: { ...spec, replicas: count } }),
    };
  });
}
