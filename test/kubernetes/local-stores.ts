import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { ConfigMap, Container, Service, Volume } from "kubernetes-types/core/v1.d.ts";
import { NATS, POSTGRES } from "./network-policies.ts";
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from "./pod-security.ts";

const fromCompose = (file: string): string =>
  readFileSync(join(import.meta.dirname, "../../deploy/compose", file), "utf8");

/** Runs as any user: the image's own entry point wants to be root, or one that it knows. */
const START = `#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username=postgres --encoding=UTF8 --auth-local=trust --auth-host=scram-sha-256 > /dev/null
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
fi
# Roles and databases first, while nobody can connect from outside.
pg_ctl --wait --log=/tmp/start.log --options="-c listen_addresses=''" start > /dev/null
/bin/sh /run/postgres/databases.sh
pg_ctl --wait --mode=fast stop > /dev/null
exec postgres -c listen_addresses="*" -c max_connections=300
`;

/** PostgreSQL and NATS for development: one pod each, and what they hold goes with their pod. */
export function localStores(): object[] {
  return [
    ...store({
      name: "postgres",
      port: POSTGRES.port,
      files: {
        "start.sh": START,
        "databases.sh": fromCompose("databases.sh"),
        // initdb asks who it is, and the user of this pod has no name in the image.
        passwd: "postgres:x:1000:1000::/tmp:/bin/sh\n",
      },
      secret: "postgres-verifiers",
      container: {
        name: "postgres",
        image: "postgres:17",
        command: ["/bin/sh", "/run/postgres/start.sh"],
        env: [{ name: "PGDATA", value: "/data/main" }],
        readinessProbe: { exec: { command: ["pg_isready", "--quiet", "--host=127.0.0.1"] }, periodSeconds: 2 },
        resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
        volumeMounts: [
          { name: "files", mountPath: "/run/postgres", readOnly: true },
          { name: "files", mountPath: "/etc/passwd", subPath: "passwd", readOnly: true },
          { name: "scratch", mountPath: "/var/run/postgresql" },
        ],
      },
    }),
    ...store({
      name: "nats",
      port: NATS.port,
      files: { "nats.conf": fromCompose("nats.conf") },
      secret: "nats-users",
      container: {
        name: "nats",
        image: "nats:2.12-alpine",
        args: ["--config", "/run/nats.conf"],
        readinessProbe: {
          exec: { command: ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8222/healthz"] },
          periodSeconds: 2,
        },
        resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "256Mi" } },
        volumeMounts: [{ name: "files", mountPath: "/run/nats.conf", subPath: "nats.conf", readOnly: true }],
      },
    }),
  ];
}

interface Store {
  name: string;
  port: number;
  files: Record<string, string>;
  /** Mounted at /run/tenon. */
  secret: string;
  container: Container;
}

function store({ name, port, files, secret, container }: Store): object[] {
  const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "tenon" };
  const metadata = { name, labels };
  const selector = { "app.kubernetes.io/name": name };
  const config: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: files };
  const service: Service = { apiVersion: "v1", kind: "Service", metadata, spec: { selector, ports: [{ port }] } };
  const volumes: Volume[] = [
    { name: "files", configMap: { name } },
    { name: "secrets", secret: { secretName: secret, defaultMode: 0o440 } },
    { name: "data", emptyDir: { sizeLimit: "5Gi" } },
    { name: "scratch", emptyDir: { sizeLimit: "64Mi" } },
  ];
  const deployment: Deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      selector: { matchLabels: selector },
      strategy: { type: "Recreate" },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          securityContext: { ...RESTRICTED_POD, fsGroup: 1000 },
          containers: [
            {
              ...container,
              ports: [{ containerPort: port }],
              securityContext: RESTRICTED_CONTAINER,
              volumeMounts: [
                ...(container.volumeMounts ?? []),
                { name: "secrets", mountPath: "/run/tenon", readOnly: true },
                { name: "data", mountPath: "/data" },
                { name: "scratch", mountPath: "/tmp" },
              ],
            },
          ],
          volumes,
        },
      },
    },
  };
  return [config, service, deployment];
}
