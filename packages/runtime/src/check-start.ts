import type { ServiceConfig } from "./process-config.ts";
import { createAuth } from "./service-auth.ts";
import { readPorts } from "./start-process.ts";
import { checkTlsFiles, type TlsConfig } from "./tls-files.ts";

type PortConfig = Parameters<typeof readPorts>[0];

export interface CheckServiceOptions {
  /** The service's name, such as `order`. */
  name: string;
  config: ServiceConfig;
  /** The services that it calls, to which it has to prove itself. */
  calls?: readonly string[];
}

/** For `--check-config`: throws the StartError that `startService` and what it is given would throw, of all that can be known without connecting. */
export function checkService({ name, config, calls = [] }: CheckServiceOptions): void {
  checkProcess(config, { health: config.TLS_CERT_FILE !== undefined });
  const auth = createAuth({ name, config });
  for (const callee of calls) auth.identityFor(callee);
}

/** The same of a process that serves no gRPC: its ports and certificates. */
export function checkProcess(config: PortConfig & TlsConfig, { health = false }: { health?: boolean } = {}): void {
  readPorts(config, { health });
  checkTlsFiles(config);
}
