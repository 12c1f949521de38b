import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeCertificates, makeSecrets } from "@tenon/setup";
import { NAMES, WORKLOADS } from "./call-graph.ts";
import { NATS, POSTGRES } from "./network-policies.ts";

export interface LocalSecretsOptions {
  /** The overlay's `secrets`: ignored by git, and nothing for anywhere but a development cluster. */
  directory: string;
  onProgress?: (line: string) => void;
}

/** Makes what the secrets of deploy/kubernetes/local are made of. What is there is kept; certificates, until half of their week is over. */
export async function makeLocalSecrets({ directory, onProgress }: LocalSecretsOptions): Promise<void> {
  const services = NAMES.filter((name) => WORKLOADS[name].stores);
  for (const name of [...services, "postgres", "nats"]) await mkdir(join(directory, name), { recursive: true });
  const hearing = onProgress && { onProgress };
  await makeSecrets({
    directory,
    services,
    databaseAddress: `postgres:${POSTGRES.port}`,
    natsAddress: `nats:${NATS.port}`,
    ...hearing,
  });
  await makeLocalCertificates({ root: directory, directory, ...hearing });
}

/** A week's certificate for each service in `directory`, by the root in `root`: each is a `secrets` of the overlay. */
export async function makeLocalCertificates(options: LocalSecretsOptions & { root: string }): Promise<void> {
  const { root, directory, onProgress } = options;
  await makeCertificates({
    authority: certificateFilesOf(root, "ca"),
    subjects: NAMES.map((name) => ({
      ...certificateFilesOf(directory, name),
      names: [name],
      ...(name !== "gateway" && { uri: `spiffe://tenon/${name}` }),
    })),
    ...(onProgress && { onProgress }),
  });
}

export const certificateFilesOf = (directory: string, name: string) => ({
  cert: join(directory, "tls", `${name}.crt`),
  key: join(directory, "tls", `${name}.key`),
});
