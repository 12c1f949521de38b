import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Container, PodSpec } from "kubernetes-types/core/v1.d.ts";
import { expect, onTestFinished, test } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { callGraph, NAMES, WORKLOADS } from "./call-graph.ts";
import * as kustomizations from "./kustomizations.ts";
import { makeLocalSecrets } from "./local-secrets.ts";
import { localStores } from "./local-stores.ts";
import { manifestsOf } from "./manifests.ts";
import { networkPolicies } from "./network-policies.ts";
import { certificateOf, tlsPatchOf } from "./tls-overlays.ts";

const FOLDER = join(import.meta.dirname, "../../deploy/kubernetes");
const kubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

const toYaml = (documents: readonly object[]): string =>
  `# Made by test/kubernetes: vitest run test/kubernetes --update\n${documents.map((each) => stringify(each, { aliasDuplicateObjects: false, lineWidth: 0, blockQuote: "literal" })).join("---\n")}`;

const files: Record<string, readonly object[]> = {
  "base/kustomization.yaml": [kustomizations.base],
  "base/namespace.yaml": [kustomizations.namespace],
  "base/network-policies.yaml": networkPolicies(),
  "tls/kustomization.yaml": [kustomizations.tls],
  "production/kustomization.yaml": [kustomizations.production],
  "production/certificates.yaml": NAMES.map(certificateOf),
  "local/kustomization.yaml": [kustomizations.local],
  "local/stores.yaml": localStores(),
};
for (const name of NAMES) {
  files[`base/${name}.yaml`] = manifestsOf(name);
  files[`tls/${name}.yaml`] = [tlsPatchOf(name)];
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

/** Of what the tables say now, whether or not it has been written; with secrets, which the repository does not have. */
async function render(overlay: string): Promise<Rendered[]> {
  const folder = mkdtempSync(join(tmpdir(), "kubernetes-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, documents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), toYaml(documents));
  }
  await makeLocalSecrets({ directory: join(folder, "local/secrets") });
  const text = execFileSync("kubectl", ["kustomize", join(folder, overlay)], { encoding: "utf8" });
  return parseAllDocuments(text).map((each) => each.toJS());
}

interface Rendered {
  kind: string;
  metadata: { name: string; namespace?: string };
  data?: Record<string, string>;
  spec: { template: { spec: PodSpec } };
}

const STORING = NAMES.filter((name) => WORKLOADS[name].stores).length;
const POLICIES = 1 + NAMES.length + 2;
for (const [overlay, count] of [
  ["base", 1 + POLICIES + NAMES.length * 6],
  ["production", 1 + POLICIES + NAMES.length * 7],
  // No autoscalers, but certificates; secrets of those that store, and of two stores; these.
  ["local", 1 + POLICIES + NAMES.length * 6 + STORING + 2 + 2 * 3],
] as const) {
  test.skipIf(!kubectl)(`kustomize renders ${overlay}`, async () => {
    const documents = await render(overlay);
    expect(documents).toHaveLength(count);
    expect(documents.filter(({ metadata }) => metadata.namespace !== "tenon" && metadata.name !== "tenon")).toEqual([]);
    const services = documents.filter(({ kind, metadata }) => kind === "Deployment" && isWorkload(metadata.name));
    expect(services).toHaveLength(NAMES.length);
    if (overlay === "base") return;
    for (const { spec } of services) {
      const [{ env = [], volumeMounts = [] }] = spec.template.spec.containers as [Container];
      expect(env.map(({ name }) => name)).toContain("TLS_CA_FILE");
      expect(volumeMounts.map(({ name }) => name)).toContain("tls");
    }
  });
}

test.skipIf(!kubectl)("what pods of local mount is there, and every image is one that can be loaded", async () => {
  const documents = await render("local");
  const there = documents.filter(({ kind }) => kind === "Secret").map(({ metadata }) => metadata.name);
  const pods = documents.filter(({ kind }) => kind === "Deployment").map(({ spec }) => spec.template.spec);
  for (const { volumes = [], containers } of pods) {
    for (const { secret } of volumes) if (secret) expect(there).toContain(secret.secretName);
    expect(containers[0]?.image).toMatch(/^(tenon\/\w+:local|postgres:17|nats:2\.12-alpine)$/);
  }
});

const isWorkload = (name: string) => (NAMES as readonly string[]).includes(name);
