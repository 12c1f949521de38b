// As main.ts, for deployments with mutual TLS; run again, it renews what is half over, and services take that over.
import { ConfigError } from "@tenon/config";
import { StartError } from "@tenon/errors";
import { readCertificatesConfig } from "./config.ts";
import { makeServiceCertificates } from "./service-certificates.ts";

try {
  const { services, ...config } = readCertificatesConfig();
  await makeServiceCertificates({
    directory: config.SECRETS_DIR,
    services,
    trustDomain: config.TLS_TRUST_DOMAIN,
    lifetimeMs: config.CERTIFICATE_LIFETIME,
    onProgress: (line) => void process.stdout.write(`${line}\n`),
  });
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
  for (const line of error.message.split("\n")) process.stderr.write(`certificates: ${line}\n`);
  process.exitCode = 1;
}
