import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, PodSpec } from "kubernetes-types/core/v1.d.ts";
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from "../kubernetes/pod-security.ts";
import type { SmokeCluster } from "./smoke-cluster.ts";

/** What the customer in the cluster has come to since `begin`. */
export interface Tally {
  readonly calls: number;
  readonly failed: number;
  /** How they failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** The longest that a caller was without an answer, repetitions of what failed included. */
  readonly longestPauseMs: number;
  /** Orders since its start, those that were confirmed among them. */
  readonly placed: number;
  readonly confirmed: number;
}

export interface ClusterCustomer {
  /** Counts from now on. */
  begin(): Promise<void>;
  tally(): Promise<Tally>;
  /** Finishes what it has begun. */
  stop(): Promise<Tally>;
}

const CUSTOMER = "smoke-customer";
const STRANGER = "smoke-stranger";
const STOP_LIMIT_MS = 2 * 60_000;

/** Starts a pod that buys through the gateway until it is stopped: in the cluster, as a forwarded port ends with its pod. */
export async function startCustomer({ cluster, namespace }: SmokePodOptions): Promise<ClusterCustomer> {
  const name = { "app.kubernetes.io/name": CUSTOMER };
  const gateway = { podSelector: { matchLabels: { "app.kubernetes.io/name": "gateway" } } };
  const ports = [{ protocol: "TCP", port: 8000 }];
  const dns = { to: [{ namespaceSelector: {}, podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }] };
  const metadata = { name: CUSTOMER, namespace, labels: name };
  const script = readFileSync(join(import.meta.dirname, "pod-customer.ts"), "utf8");
  await cluster.apply([
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "pod-customer.ts": script } },
    policy(metadata, {
      podSelector: { matchLabels: name },
      policyTypes: ["Egress"],
      egress: [{ to: [gateway], ports }, dns],
    }),
    policy(
      { ...metadata, name: "gateway-for-smoke-customer" },
      { ...gateway, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: { matchLabels: name } }], ports }] },
    ),
    pod(metadata, ["node", "/smoke/pod-customer.ts", "http://gateway:8000"], {
      volumes: [{ name: "smoke", configMap: { name: CUSTOMER } }],
      startupProbe: {
        exec: { command: ["node", "--eval", fetching("tally")] },
        timeoutSeconds: 5,
        failureThreshold: 30,
      },
    }),
  ]);
  await ready(cluster, CUSTOMER);
  const ask = async (path: string): Promise<Tally> =>
    JSON.parse(await cluster.exec(CUSTOMER, "node", "--eval", fetching(path)));
  return {
    begin: async () => void (await ask("begin")),
    tally: () => ask("tally"),
    async stop() {
      const command = ["exec", CUSTOMER, "--", "node", "--eval", fetching("stop")];
      return JSON.parse(await cluster.kubectl(command, { timeoutMs: STOP_LIMIT_MS }));
    },
  };
}

/** Starts a pod that no policy knows; resolves with its name. */
export async function startStranger({ cluster, namespace }: SmokePodOptions): Promise<string> {
  await cluster.apply([pod({ name: STRANGER, namespace }, ["node", "--eval", "setInterval(() => {}, 1 << 30)"], {})]);
  await ready(cluster, STRANGER);
  return STRANGER;
}

interface SmokePodOptions {
  cluster: SmokeCluster;
  namespace: string;
}

const fetching = (path: string) =>
  `fetch("http://127.0.0.1:7000/${path}").then((r) => r.text()).then((t) => process.stdout.write(t))`;

const policy = (metadata: object, spec: object) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata,
  spec,
});

async function ready(cluster: SmokeCluster, name: string): Promise<void> {
  await cluster.kubectl(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=120s"], { timeoutMs: 130_000 });
}

/** Of the gateway's image, which is there, and has Node. */
const pod = (
  metadata: object,
  command: string[],
  { volumes = [], startupProbe }: Pick<PodSpec, "volumes"> & Pick<Container, "startupProbe">,
) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata,
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    securityContext: RESTRICTED_POD,
    volumes,
    containers: [
      {
        name: "smoke",
        image: "tenon/gateway:local",
        command,
        ...(startupProbe && { startupProbe }),
        securityContext: RESTRICTED_CONTAINER,
        volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/${name}`, readOnly: true })),
      },
    ],
  },
});
