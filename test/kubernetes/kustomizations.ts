import { stringify } from "yaml";
import { NAMES, WORKLOADS, type Workload } from "./call-graph.ts";
import { NATS } from "./network-policies.ts";

const CONTAINER = "/spec/template/spec/containers/0";
const kustomization = (content: object) => ({
  apiVersion: "kustomize.config.k8s.io/v1beta1",
  kind: "Kustomization",
  namespace: "tenon",
  ...content,
});

export const namespace = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "tenon", labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
};

export const base = kustomization({
  resources: ["namespace.yaml", "network-policies.yaml", ...NAMES.map((name) => `${name}.yaml`)],
});

/** Every call by mutual TLS, with the certificates of the secrets `<name>-tls`, wherever those come from. */
export const tls = {
  apiVersion: "kustomize.config.k8s.io/v1alpha1",
  kind: "Component",
  patches: NAMES.map((name) => ({ path: `${name}.yaml` })),
};

export const production = kustomization({ resources: ["../base", "certificates.yaml"], components: ["../tls"] });

/** One replica each, of images made here, with stores and secrets for development. */
export const local = kustomization({
  resources: ["../base", "stores.yaml"],
  components: ["../tls"],
  images: NAMES.map((name) => ({ name: `tenon/${name}`, newTag: "local" })),
  // Running processes take renewed certificates over; a new name would start them anew.
  generatorOptions: { disableNameSuffixHash: true },
  secretGenerator: [
    ...NAMES.filter((name) => WORKLOADS[name].stores).map((name) => ({
      name: `${name}-secrets`,
      files: secretFilesOf(name).map((file) => `secrets/${name}/${file}`),
    })),
    ...NAMES.map((name) => ({
      name: `${name}-tls`,
      files: [`tls.crt=secrets/tls/${name}.crt`, `tls.key=secrets/tls/${name}.key`, "ca.crt=secrets/tls/ca.crt"],
    })),
    {
      name: "postgres-verifiers",
      files: NAMES.filter((name) => WORKLOADS[name].stores).map((name) => `secrets/postgres/${name}.scram`),
    },
    { name: "nats-users", files: ["secrets/nats/users.conf"] },
  ],
  patches: [
    {
      target: { kind: "HorizontalPodAutoscaler" },
      patch: stringify({
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "each" },
        $patch: "delete",
      }),
    },
    {
      target: { kind: "ConfigMap", name: "order" },
      patch: stringify([{ op: "add", path: "/data/DEMO_CATALOG", value: "true" }]),
    },
    {
      // They all share a node, which has other things to do.
      target: { kind: "Deployment", name: NAMES.join("|") },
      patch: stringify([{ op: "replace", path: `${CONTAINER}/resources/requests/cpu`, value: "20m" }]),
    },
  ],
});

function secretFilesOf(name: Workload): string[] {
  return ["database.env", "key.jwk.json", "services.jwks.json", ...(NATS.users.includes(name) ? ["nats.url"] : [])];
}
