import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Container } from "kubernetes-types/core/v1.d.ts";
import { expect, test } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { callGraph, NAMES, WORKLOADS } from "./call-graph.ts";
import { kustomizations, manifestsOf, productionOf } from "./manifests.ts";
import { networkPolicies } from "./network-policies.ts";

const FOLDER = join(import.meta.dirname, "../../deploy/kubernetes");
const kubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

const toYaml = (documents: readonly object[]): string =>
  `# Made by test/kubernetes: vitest run test/kubernetes --update\n${documents.map((each) => stringify(each, { aliasDuplicateObjects: false })).join("---\n")}`;

const files: Record<string, readonly object[]> = {
  "base/kustomization.yaml": [kustomizations.base],
  "base/namespace.yaml": [kustomizations.namespace],
  "base/network-policies.yaml": networkPolicies(),
  "production/kustomization.yaml": [kustomizations.production],
  "production/certificates.yaml": NAMES.map((name) => productionOf(name).certificate),
};
for (const name of NAMES) {
  files[`base/${name}.yaml`] = manifestsOf(name);
  files[`production/tls-${name}.yaml`] = [productionOf(name).patch];
}

for (const [path, documents] of Object.entries(files)) {
  test(`deploy/kubernetes/${path} is as it is made from contracts and tables`, async () => {
    await expect(toYaml(documents)).toMatchFileSnapshot(join(FOLDER, path));
  });
}

test("who may call whom is what the contracts say", () => {
  const edges = callGraph().map(({ from, to }) => `${from} > ${to}`);
  expect(edges.sort().join("\n")).toMatchInlineSnapshot(`
    "gateway > greeter
    gateway > order
    gateway > payment
    gateway > user
    order > payment
    order > user
    payment > order
    payment > processor
    payment > user
    processor > payment
    user > order"
  `);
});

for (const name of NAMES) {
  const deployment = manifestsOf(name).find((each) => (each as Deployment).kind === "Deployment") as Deployment;
  const { template } = deployment.spec as NonNullable<Deployment["spec"]>;
  const [container] = (template.spec?.containers ?? []) as [Container];

  test(`61: ${name} is probed, bounded, spread, and holds no rights`, () => {
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
    expect(template.spec?.securityContext).toMatchObject({ runAsNonRoot: true });
    expect(template.spec?.topologySpreadConstraints).toHaveLength(2);
    expect(container.resources?.limits?.memory).toBeDefined();
    const { livenessProbe, readinessProbe, startupProbe } = container;
    expect([startupProbe, readinessProbe].every(Boolean)).toBe(true);
    // Not what the service depends on.
    if (name !== "gateway") expect(livenessProbe?.grpc?.service).toBe("live");
    const kinds = manifestsOf(name).map((each) => (each as { kind: string }).kind);
    expect(kinds).toEqual(expect.arrayContaining(["PodDisruptionBudget", "HorizontalPodAutoscaler", "ServiceAccount"]));
  });

  test(`${name} is killed only after its drain can be over`, () => {
    const seconds = template.spec?.terminationGracePeriodSeconds ?? 0;
    expect(seconds).toBeGreaterThanOrEqual(35 + 1.5 * 10 + 10);
  });
}

test("61: nothing is let in that no rule names", () => {
  const [denied, ...policies] = networkPolicies();
  expect(denied?.spec).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  const processor = policies.find(({ metadata }) => metadata?.name === "processor");
  const callers = processor?.spec?.ingress?.filter(({ ports }) => ports?.[0]?.port === WORKLOADS.processor.port);
  expect(callers).toHaveLength(1);
  expect(callers?.[0]?.from).toEqual([{ podSelector: { matchLabels: { "app.kubernetes.io/name": "payment" } } }]);
});

for (const [overlay, count] of [
  ["base", 1 + 1 + NAMES.length * 7],
  ["production", 1 + 1 + NAMES.length * 8],
] as const) {
  test.skipIf(!kubectl)(`kustomize renders ${overlay}`, () => {
    const text = execFileSync("kubectl", ["kustomize", join(FOLDER, overlay)], { encoding: "utf8" });
    const documents = parseAllDocuments(text).map((each) => each.toJS());
    expect(documents).toHaveLength(count);
    expect(documents.filter(({ metadata }) => metadata.namespace !== "tenon" && metadata.name !== "tenon")).toEqual([]);
    if (overlay === "base") return;
    for (const { spec } of documents.filter(({ kind }) => kind === "Deployment")) {
      const [{ env, volumeMounts }] = spec.template.spec.containers;
      expect(env.map(({ name }: { name: string }) => name)).toContain("TLS_CA_FILE");
      expect(volumeMounts.map(({ name }: { name: string }) => name)).toContain("tls");
    }
  });
}
