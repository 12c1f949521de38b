import { NAMES } from "./call-graph.ts";

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
