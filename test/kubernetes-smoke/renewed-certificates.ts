import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { NAMES } from "../kubernetes/call-graph.ts";
import { certificateFilesOf, makeLocalCertificates } from "../kubernetes/local-secrets.ts";
import { SmokeFailure } from "../smoke/smoke-failure.ts";
import { LOCAL_SECRETS } from "./cluster-manifests.ts";
import { expiries } from "./pod-metrics.ts";
import type { SmokeCluster } from "./smoke-cluster.ts";

/** The kubelet brings a changed secret within a minute and a half, the process looks every 10 s; and what a busy node adds. */
const RENEWAL_LIMIT_MS = 4 * 60_000;
const POLL_MS = 5_000;

/** New certificates of the same root in the secrets; resolves when every process uses its new one. */
export async function renewCertificates(
  cluster: SmokeCluster,
  namespace: string,
  signal: AbortSignal,
): Promise<string> {
  const before = await expiries(cluster);
  await applyNew(cluster, namespace);
  for (const startedAt = Date.now(); ; ) {
    await delay(POLL_MS, undefined, { signal });
    const now = await expiries(cluster);
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    const waiting = [...now].filter(([pod, expiry]) => !(expiry > (before.get(pod) ?? 0))).map(([pod]) => pod);
    if (waiting.length === 0) return `${now.size} pods use theirs after ${seconds} s`;
    if (seconds * 1000 > RENEWAL_LIMIT_MS)
      throw new SmokeFailure(`after ${seconds} s still old: ${waiting.join(", ")}`);
  }
}

async function applyNew(cluster: SmokeCluster, namespace: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-certificates-"));
  try {
    await makeLocalCertificates({ root: LOCAL_SECRETS, directory });
    const encoded = async (file: string) => (await readFile(file)).toString("base64");
    const secrets = NAMES.map(async (name) => {
      const { cert, key } = certificateFilesOf(directory, name);
      return {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: `${name}-tls`, namespace },
        data: {
          "tls.crt": await encoded(cert),
          "tls.key": await encoded(key),
          "ca.crt": await encoded(certificateFilesOf(LOCAL_SECRETS, "ca").cert),
        },
      };
    });
    await cluster.apply(await Promise.all(secrets));
  } finally {
    await rm(directory, { recursive: true });
  }
}
