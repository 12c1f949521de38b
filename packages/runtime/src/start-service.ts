import { createHealth, createReflection, createServer, type Implementation, methodsOf, type Server } from "@tenon/grpc";
import { standardServer } from "@tenon/interceptors";
import { Registry } from "prom-client";
import { serverLimits } from "./call-limits.ts";
import type { ServiceConfig } from "./process-config.ts";
import type { ServiceAuth } from "./service-auth.ts";
import { type RunningProcess, type StartProcessOptions, startProcess } from "./start-process.ts";
import type { TlsFiles } from "./tls-files.ts";

type ProcessOptions = Pick<StartProcessOptions, "name" | "logger" | "checks" | "workers" | "registry" | "close">;

export interface StartServiceOptions extends ProcessOptions {
  config: ServiceConfig;
  services: readonly Implementation[];
  auth: ServiceAuth;
  /** Serves TLS; then health is answered in the clear on HEALTH_PORT too. Closed with the service. */
  tls?: TlsFiles | undefined;
}

/** A service that listens. */
export interface RunningService extends RunningProcess {
  /** For clients in this process, which then need no socket. */
  readonly server: Server;
}

/**
 * Runs gRPC services as a process (`startProcess`) with what every one has: standard interceptors, health, reflection.
 * Rejects with a StartError that names the port and its variable where one cannot be had.
 */
export async function startService(options: StartServiceOptions): Promise<RunningService> {
  const { name, config, logger, services, auth, tls, checks, workers, registry = new Registry() } = options;
  const { close = async () => {} } = options;
  const contracts = services.map(({ service }) => service);
  const health = createHealth({ services: contracts.map(({ typeName }) => typeName) });
  const reflection = createReflection({ services: contracts, natives: [health.native] });
  const natives = [health.native, ...(config.REFLECTION === "off" ? [] : reflection.natives)];
  const server = createServer({
    services,
    natives,
    interceptors: standardServer({
      logger,
      registry,
      methods: methodsOf(services, natives),
      auth: auth.server,
      ...serverLimits(config),
    }),
    tls: tls?.server,
    onError: (err) => logger.error({ err }, "an error that no caller can be told"),
    ...(config.MAX_CONNECTION_AGE !== undefined && { maxConnectionAgeMs: config.MAX_CONNECTION_AGE }),
  });
  if (!tls && !isLoopback(config.HOST)) {
    logger.warn(
      { host: config.HOST },
      "SERVES WITHOUT TLS: whoever can reach this port can read and change what passes",
    );
  }
  const running = await startProcess({
    name,
    config,
    logger,
    checks,
    workers,
    registry,
    onReady: (ready) => health.setAll(ready),
    server: {
      listen: (address) => server.listen(address),
      leave: () => health.setAll(false),
      close(grace) {
        health.shutdown();
        reflection.shutdown();
        return server.close(grace);
      },
    },
    // The kubelet's probes speak no TLS.
    healthServer: tls && createServer({ services: [], natives: [health.native] }),
    async close() {
      tls?.close();
      await close();
    },
  });
  return { ...running, server };
}

const isLoopback = (host: string): boolean => /^(127\.|::1$|localhost$)/.test(host);
