import type { NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyPort } from "kubernetes-types/networking/v1.d.ts";
import { adminPortOf, callGraph, healthPortOf, NAMES, WORKLOADS, type Workload } from "./call-graph.ts";

// What is no call of a contract, declared once.
export const POSTGRES = { selector: { matchLabels: { "app.kubernetes.io/name": "postgres" } }, port: 5432 };
export const NATS = {
  selector: { matchLabels: { "app.kubernetes.io/name": "nats" } },
  port: 4222,
  users: ["user", "order", "payment"] as readonly Workload[],
};
const OBSERVABILITY = { matchLabels: { "kubernetes.io/metadata.name": "observability" } };
const OTLP_PORTS = [4317, 4318];
const INGRESS = { matchLabels: { "kubernetes.io/metadata.name": "ingress" } };

const tcp = (...ports: number[]): NetworkPolicyPort[] => ports.map((port) => ({ protocol: "TCP", port }));
const podsOf = (name: Workload) => ({ podSelector: { matchLabels: { "app.kubernetes.io/name": name } } });

/** Nothing may connect to anything, but what the contracts and the lists above say. */
export function networkPolicies(): NetworkPolicy[] {
  const edges = callGraph();
  const denied: NetworkPolicy = {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "default-deny" },
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  };
  return [
    denied,
    ...NAMES.map(policyOf),
    storePolicy("postgres", POSTGRES, NAMES.filter(stores)),
    storePolicy("nats", NATS, NATS.users),
  ];

  function policyOf(name: Workload): NetworkPolicy {
    const { port } = WORKLOADS[name];
    const callers = edges.filter(({ to }) => to === name).map(({ from }) => podsOf(from));
    const called = edges.filter(({ from }) => from === name).map(({ to }) => to);
    const egress: NetworkPolicyEgressRule[] = [
      {
        to: [{ namespaceSelector: {}, podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }],
        ports: [{ protocol: "UDP", port: 53 }, ...tcp(53)],
      },
      { to: [{ namespaceSelector: OBSERVABILITY }], ports: tcp(...OTLP_PORTS) },
      ...called.map((to) => ({ to: [podsOf(to)], ports: tcp(WORKLOADS[to].port) })),
      ...(stores(name) ? [{ to: [{ podSelector: POSTGRES.selector }], ports: tcp(POSTGRES.port) }] : []),
      ...(NATS.users.includes(name) ? [{ to: [{ podSelector: NATS.selector }], ports: tcp(NATS.port) }] : []),
    ];
    return {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name },
      spec: {
        podSelector: podsOf(name).podSelector,
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          ...(callers.length > 0 ? [{ from: callers, ports: tcp(port) }] : []),
          ...(name === "gateway" ? [{ from: [{ namespaceSelector: INGRESS }], ports: tcp(port) }] : []),
          // The kubelet's probes come from the node, which no policy keeps out.
          { from: [{ namespaceSelector: OBSERVABILITY }], ports: tcp(adminPortOf(name)) },
        ],
        egress,
      },
    };
  }
}

const stores = (name: Workload): boolean => WORKLOADS[name].stores;

/** What replicates, backs up or watches them is for their operator to let in. */
function storePolicy(name: string, store: typeof POSTGRES, users: readonly Workload[]): NetworkPolicy {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name },
    spec: {
      podSelector: store.selector,
      policyTypes: ["Ingress"],
      ingress: [{ from: users.map(podsOf), ports: tcp(store.port) }],
    },
  };
}

export const probePort = (name: Workload, tls: boolean): number => (tls ? healthPortOf(name) : WORKLOADS[name].port);
