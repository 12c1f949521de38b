import type { Workload } from "./call-graph.ts";
import { labelsOf, probesOf } from "./manifests.ts";

/** The process shows the certificate of the secret `<name>-tls`, and takes a renewed one over while it runs. */
export function tlsPatchOf(name: Workload): object {
  const tls = { TLS_CERT_FILE: "tls.crt", TLS_KEY_FILE: "tls.key", TLS_CA_FILE: "ca.crt" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      template: {
        spec: {
          containers: [
            {
              name,
              env: Object.entries(tls).map(([variable, file]) => ({ name: variable, value: `/run/tls/${file}` })),
              ...(name !== "gateway" && probesOf(name, true)),
              volumeMounts: [{ name: "tls", mountPath: "/run/tls", readOnly: true }],
            },
          ],
          volumes: [{ name: "tls", secret: { secretName: `${name}-tls`, defaultMode: 0o440 } }],
        },
      },
    },
  };
}

/** What cert-manager makes that secret of, and renews in it. */
export const certificateOf = (name: Workload): object => ({
  apiVersion: "cert-manager.io/v1",
  kind: "Certificate",
  metadata: { name, labels: labelsOf(name) },
  spec: {
    secretName: `${name}-tls`,
    duration: "24h",
    renewBefore: "8h",
    privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
    usages: ["digital signature", "server auth", "client auth"],
    dnsNames: [name],
    // The gateway speaks for whoever calls it, and proves nothing about itself.
    ...(name !== "gateway" && { uris: [`spiffe://tenon/${name}`] }),
    issuerRef: { kind: "ClusterIssuer", name: "tenon" },
  },
});
