import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StartError, systemReason } from "@tenon/errors";
import { type CertificateSubject, makeCertificates } from "./certificates.ts";
import { readIfThere, writeWhole } from "./whole-file.ts";

export interface ServiceCertificatesOptions {
  /** Has a directory for each service, one named client and one named authority: each is mounted by its owner only. */
  directory: string;
  services: readonly string[];
  /** What certificates prove a service by: `spiffe://<this>/<service>`. */
  trustDomain: string;
  /** How long a certificate holds. */
  lifetimeMs: number;
  /** Hears what is made. */
  onProgress?: (line: string) => void;
}

/**
 * Makes in `<directory>/<service>` its certificate (`tls.crt`), the key of that (`tls.key`) and the root by which it
 * knows others (`ca.crt`); the same for `client`, who is no service: for calls from outside. The root's key stays in
 * `<directory>/authority`. What is there is kept until half of its time is over. Throws a StartError where it cannot write.
 */
export async function makeServiceCertificates(options: ServiceCertificatesOptions): Promise<void> {
  const { directory, services, trustDomain, lifetimeMs, onProgress } = options;
  const filesOf = (name: string) => ({
    cert: join(directory, name, "tls.crt"),
    key: join(directory, name, "tls.key"),
  });
  const authority = filesOf("authority");
  const subjects = [...services, "client"].map(
    (name): CertificateSubject => ({
      ...filesOf(name),
      names: [name, "localhost", "127.0.0.1"],
      ...(!NAMELESS.includes(name) && { uri: `spiffe://${trustDomain}/${name}` }),
    }),
  );
  try {
    await makeCertificates({ authority, subjects, lifetimeMs, ...(onProgress && { onProgress }) });
    const root = (await readFile(authority.cert, "utf8")).trimEnd();
    for (const { cert } of subjects) {
      const file = join(dirname(cert), "ca.crt");
      if ((await readIfThere(file)) !== `${root}\n`) await writeWhole(file, root, { mode: 0o644 });
    }
  } catch (error) {
    const { path = directory } = error as NodeJS.ErrnoException;
    throw new StartError(`${path} cannot be used: ${systemReason(error)}`, { cause: error });
  }
}

/** The gateway speaks for whoever calls it, so that it proves nothing about itself; a client is no service. */
const NAMELESS = ["gateway", "client"];
