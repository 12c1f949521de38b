import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { HorizontalPodAutoscaler } from "kubernetes-types/autoscaling/v2.d.ts";
import type { ConfigMap, Container, Probe, Service, ServiceAccount } from "kubernetes-types/core/v1.d.ts";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.d.ts";
import { adminPortOf, callGraph, WORKLOADS, type Workload } from "./call-graph.ts";
import { NATS, probePort } from "./network-policies.ts";
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from "./pod-security.ts";

/** Above the 30 s for which cluster DNS may be remembered: who has not heard yet that a replica goes is served still. */
const DRAIN_WAIT_SECONDS = 35;
/** DRAIN_WAIT + 1.5 x DRAIN_GRACE + 10 s, as packages/runtime has it. */
const GRACE_SECONDS = DRAIN_WAIT_SECONDS + 15 + 10;
/** Whom network policies let in is a gateway, an ingress or a service: each is believed about whom it serves. */
const POD_ADDRESSES = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7";
export const labelsOf = (name: Workload) => ({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "tenon" });

/** All that one service is in the cluster. */
export function manifestsOf(name: Workload): object[] {
  const metadata = { name, labels: labelsOf(name) };
  const selector = { matchLabels: { "app.kubernetes.io/name": name } };
  const account: ServiceAccount = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata,
    automountServiceAccountToken: false,
  };
  const config: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: settingsOf(name) };
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: {
      selector: selector.matchLabels,
      ports: [{ name: name === "gateway" ? "http" : "grpc", port: WORKLOADS[name].port, targetPort: "main" }],
      // gRPC balances by itself over all addresses of the name; browsers come by one.
      ...(name !== "gateway" && { clusterIP: "None" }),
    },
  };
  const deployment: Deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      // How many there are is the autoscaler's to say: two at least.
      revisionHistoryLimit: 3,
      selector,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: labelsOf(name) },
        spec: {
          serviceAccountName: name,
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: GRACE_SECONDS,
          securityContext: { ...RESTRICTED_POD, fsGroup: 1000 },
          topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
            maxSkew: 1,
            topologyKey,
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: selector,
          })),
          containers: [containerOf(name)],
          ...(WORKLOADS[name].stores && {
            volumes: [{ name: "secrets", secret: { secretName: `${name}-secrets`, defaultMode: 0o440 } }],
          }),
        },
      },
    },
  };
  const budget: PodDisruptionBudget = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata,
    spec: { maxUnavailable: 1, selector },
  };
  const scaler: HorizontalPodAutoscaler = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata,
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas: 2,
      maxReplicas: 6,
      // One thread computes: at 70 % of a core its waiting times grow.
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "AverageValue", averageValue: "700m" } } },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
    },
  };
  return [account, config, service, deployment, budget, scaler];
}

function containerOf(name: Workload): Container {
  const { port, stores } = WORKLOADS[name];
  return {
    name,
    image: `tenon/${name}`,
    // Node reads DATABASE_URL from where nobody else does.
    ...(stores && { command: ["node", "--env-file=/run/tenon/database.env", "src/main.ts"] }),
    ports: [
      { name: "main", containerPort: port },
      { name: "admin", containerPort: adminPortOf(name) },
    ],
    envFrom: [{ configMapRef: { name } }],
    ...probesOf(name, false),
    resources: {
      // At ten orders a second a replica takes a tenth of a core and 70 to 111 MB; the limit is room for a burst. No limit on
      // CPU: being held back for a moment makes every call wait.
      requests: { cpu: "100m", memory: "128Mi" },
      limits: { memory: "384Mi" },
    },
    securityContext: RESTRICTED_CONTAINER,
    ...(stores && { volumeMounts: [{ name: "secrets", mountPath: "/run/tenon", readOnly: true }] }),
  };
}

/** Liveness asks whether the process is there, readiness whether it takes calls: a database that is down restarts nothing. */
export function probesOf(
  name: Workload,
  tls: boolean,
): Required<Pick<Container, "startupProbe" | "livenessProbe" | "readinessProbe">> {
  const port = probePort(name, tls);
  const live: Probe =
    name === "gateway"
      ? { httpGet: { path: "/healthz", port: adminPortOf(name) } }
      : { grpc: { port, service: "live" } };
  const ready: Probe =
    name === "gateway" ? { httpGet: { path: "/readyz", port: adminPortOf(name) } } : { grpc: { port } };
  return {
    startupProbe: { ...live, periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...live, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    readinessProbe: { ...ready, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
  };
}

function settingsOf(name: Workload): Record<string, string> {
  const targets = callGraph().filter(({ from }) => from === name);
  return {
    HOST: "0.0.0.0",
    TRUSTED_PROXIES: POD_ADDRESSES,
    DRAIN_WAIT: `${DRAIN_WAIT_SECONDS}s`,
    DRAIN_GRACE: "10s",
    ...(WORKLOADS[name].stores && {
      SERVICE_KEY_FILE: "/run/tenon/key.jwk.json",
      SERVICE_JWKS_FILE: "/run/tenon/services.jwks.json",
      ...(NATS.users.includes(name) && { NATS_URL_FILE: "/run/tenon/nats.url" }),
      REFLECTION: "admin",
      // Clients look names up anew when they connect: replicas that came later get their share after this time.
      MAX_CONNECTION_AGE: "1m",
    }),
    ...Object.fromEntries(
      targets.map(({ to }) => [`${to.toUpperCase()}_TARGET`, `dns:///${to}:${WORKLOADS[to].port}`]),
    ),
  };
}
