import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "@tenon/errors";
import { createHealth, createReflection, createServer, type Implementation, methodsOf, type Server } from "@tenon/grpc";
import { standardServer } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { Registry } from "prom-client";
import { createAdminPort } from "./admin-port.ts";
import { serverLimits } from "./call-limits.ts";
import { type DrainStep, drain } from "./drain.ts";
import { type ListenFailure, listenFailure } from "./listen-failure.ts";
import type { ServiceConfig } from "./process-config.ts";
import { processMetrics } from "./process-metrics.ts";
import { type Check, createReadiness } from "./readiness.ts";
import type { ServiceAuth } from "./service-auth.ts";
import type { TlsFiles } from "./tls-files.ts";
import type { Worker } from "./worker.ts";

export interface StartServiceOptions {
  /** The service's name, such as `order`: for log lines and error messages. */
  name: string;
  config: ServiceConfig;
  logger: Logger;
  services: readonly Implementation[];
  auth: ServiceAuth;
  /** Serves TLS; then health is answered in the clear on HEALTH_PORT too. Closed with the service. */
  tls?: TlsFiles | undefined;
  /**
   * What must answer before the process takes calls, by name: its own database, but no other service, else one that is
   * down takes all of its callers down with it. A check fails where it rejects or outlasts CHECK_TIMEOUT.
   */
  checks?: Readonly<Record<string, Check>>;
  /** Started once the process listens, in this order; stopped together. */
  workers?: readonly Worker[];
  /** Shown at /metrics beside the process's own: that of the service's clients (`standardClient`) and its own metrics. */
  registry?: Registry;
  /** The last step of the drain: pools and clients. Called once, also where the start fails. */
  close?: () => Promise<void>;
}

/** A service that listens. */
export interface RunningService {
  readonly name: string;
  /** Of the gRPC server; the one that was given out where PORT was 0. */
  readonly port: number;
  readonly adminPort: number;
  /** For clients in this process, which then need no socket; not where it speaks something else than gRPC. */
  readonly server?: Server;
  /** Drains and resolves when nothing is left; never rejects, and every step is bounded. Later calls get the same promise. */
  close(): Promise<void>;
}

/** For the service's own `close`. */
const CLOSE_MS = 5000;
/** For steps that are over at once unless something is wrong. */
const SHORT_MS = 1000;

/**
 * Runs services as a process is expected to: standard interceptors, health, reflection, an admin port, readiness and
 * drain. Resolves when it listens, ready or not: a dependency that is down makes it not ready until it is back. Rejects
 * with a StartError that names the port and its variable where one cannot be had.
 */
export async function startService(options: StartServiceOptions): Promise<RunningService> {
  const { name, config, logger, services, auth, checks = {}, workers = [], registry = new Registry() } = options;
  const { tls, close = async () => {} } = options;
  const contracts = services.map(({ service }) => service);
  const health = createHealth({ services: contracts.map(({ typeName }) => typeName) });
  const readiness = createReadiness({
    checks,
    intervalMs: config.CHECK_INTERVAL,
    timeoutMs: config.CHECK_TIMEOUT,
    logger,
    onChange: (ready) => health.setAll(ready),
  });
  const reflection = createReflection({ services: contracts, natives: [health.native] });
  const natives = [health.native, ...(config.REFLECTION === "off" ? [] : reflection.natives)];
  const admin = createAdminPort({ readiness, metrics: () => metricsPage(registry) });
  const started: Worker[] = [];
  // The kubelet's probes speak no TLS.
  const healthServer = tls && createServer({ services: [], natives: [health.native] });
  let server: Server | undefined;
  let closing: Promise<void> | undefined;

  const leave = (): DrainStep[] => [
    {
      name: "tell NOT_SERVING",
      timeoutMs: SHORT_MS,
      run() {
        readiness.drain();
        health.setAll(false);
      },
    },
    {
      name: "wait for clients to notice",
      timeoutMs: config.DRAIN_WAIT + SHORT_MS,
      run: () => sleep(config.DRAIN_WAIT),
    },
  ];
  const release = (graceMs: number): DrainStep[] => [
    { name: "stop workers", timeoutMs: graceMs / 2, run: () => stopAll(started) },
    {
      name: "end health watches",
      timeoutMs: SHORT_MS,
      run() {
        health.shutdown();
        reflection.shutdown();
      },
    },
    { name: "finish calls", timeoutMs: graceMs + SHORT_MS, run: () => server?.close({ graceMs }) },
    { name: "close resources", timeoutMs: CLOSE_MS, run: close },
    {
      name: "close admin port",
      timeoutMs: SHORT_MS,
      async run() {
        tls?.close();
        await Promise.all([admin.close(), healthServer?.close({ graceMs: 0 })]);
      },
    },
  ];

  try {
    server = createServer({
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
    const adminPort = await listenOn(admin, {
      name,
      variable: "ADMIN_PORT",
      host: config.HOST,
      port: adminPortOf(config),
    });
    const port = await listenOn(server, { name, variable: "PORT", host: config.HOST, port: config.PORT });
    if (healthServer) {
      const healthPort = healthPortOf(config);
      await listenOn(healthServer, { name, variable: "HEALTH_PORT", host: config.HOST, port: healthPort });
    }
    if (!tls && !isLoopback(config.HOST)) {
      logger.warn(
        { host: config.HOST },
        "SERVES WITHOUT TLS: whoever can reach this port can read and change what passes",
      );
    }
    await readiness.start();
    for (const worker of workers) {
      worker.start();
      started.push(worker);
    }
    logger.info({ host: config.HOST, port, "admin.port": adminPort, ...readiness.report() }, "listening");
    return {
      name,
      port,
      adminPort,
      server,
      close() {
        closing ??= drain([...leave(), ...release(config.DRAIN_GRACE)], logger).then(() => logger.info({}, "closed"));
        return closing;
      },
    };
  } catch (error) {
    readiness.drain();
    await drain(release(CLOSE_MS), logger);
    throw error;
  }
}

async function listenOn(what: Pick<Server, "listen">, asked: ListenFailure): Promise<number> {
  try {
    return await what.listen(asked);
  } catch (error) {
    throw listenFailure(error, asked);
  }
}

/** ADMIN_PORT, or PORT and 1000. */
export function adminPortOf({ PORT, ADMIN_PORT }: Pick<ServiceConfig, "PORT" | "ADMIN_PORT">): number {
  const port = ADMIN_PORT ?? (PORT === 0 ? 0 : PORT + 1000);
  if (port <= 65_535) return port;
  throw new StartError(`ADMIN_PORT is not set, and PORT + 1000 is no port (${port}): set ADMIN_PORT`);
}

/** HEALTH_PORT, or PORT and 2000. */
export function healthPortOf({ PORT, HEALTH_PORT }: Pick<ServiceConfig, "PORT" | "HEALTH_PORT">): number {
  const port = HEALTH_PORT ?? (PORT === 0 ? 0 : PORT + 2000);
  if (port <= 65_535) return port;
  throw new StartError(`HEALTH_PORT is not set, and PORT + 2000 is no port (${port}): set HEALTH_PORT`);
}

const isLoopback = (host: string): boolean => /^(127\.|::1$|localhost$)/.test(host);

/** Together: each has the whole time of the step, and one that fails does not keep the others from being waited for. */
async function stopAll(workers: readonly Worker[]): Promise<void> {
  const results = await Promise.allSettled(workers.map(async (worker) => worker.stop()));
  const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  if (errors.length > 0) throw new AggregateError(errors, "workers failed to stop");
}

async function metricsPage(registry: Registry): Promise<{ contentType: string; text: string }> {
  const pages = await Promise.all([processMetrics(), registry].map((each) => each.metrics()));
  return { contentType: registry.contentType, text: pages.join("") };
}
