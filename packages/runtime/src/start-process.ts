import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "@tenon/errors";
import type { Logger } from "@tenon/logger";
import { Registry } from "prom-client";
import { createAdminPort } from "./admin-port.ts";
import { type DrainStep, drain } from "./drain.ts";
import { type ListenFailure, listenFailure } from "./listen-failure.ts";
import type { ServiceConfig } from "./process-config.ts";
import { processMetrics } from "./process-metrics.ts";
import { type Check, createReadiness } from "./readiness.ts";
import type { Worker } from "./worker.ts";

/** A server of whatever protocol: what the life of a process needs of it. */
export interface DrainableServer {
  listen(address: { host: string; port: number }): Promise<number>;
  /** Clients are to go elsewhere; those that come are served still. */
  leave(): void;
  /** Takes nothing new; resolves when all that was begun is done, or was ended after `graceMs`. */
  close(options: { graceMs: number }): Promise<void>;
}

type Ports = "HOST" | "PORT" | "ADMIN_PORT" | "HEALTH_PORT";
type Times = "CHECK_INTERVAL" | "CHECK_TIMEOUT" | "DRAIN_WAIT" | "DRAIN_GRACE";

export interface StartProcessOptions {
  /** The service's name, such as `order`: for log lines and error messages. */
  name: string;
  config: Pick<ServiceConfig, Exclude<Ports, "HEALTH_PORT"> | Times> & Partial<Pick<ServiceConfig, "HEALTH_PORT">>;
  logger: Logger;
  /** Listens on PORT. */
  server: DrainableServer;
  /** Listens on HEALTH_PORT until everything else is closed. */
  healthServer?: Pick<DrainableServer, "listen" | "close"> | undefined;
  /**
   * What must answer before the process takes calls, by name: its own database, but no other service, else one that is
   * down takes all of its callers down with it. A check fails where it rejects or outlasts CHECK_TIMEOUT.
   */
  checks?: Readonly<Record<string, Check>> | undefined;
  /** Which of them must hold: all, by default, or any one. */
  needs?: "all" | "any";
  /** After so many rounds in a row, CHECK_INTERVAL apart, in which they do not, what was ready is not; by default 1. */
  patience?: number;
  /** Hears whether they hold: the first verdict and every change. By default it is logged. */
  onReady?: (ready: boolean) => void;
  /** Started once the process listens, in this order; stopped together. */
  workers?: readonly Worker[] | undefined;
  /** Shown at /metrics beside the process's own: that of the service's clients (`standardClient`) and its own metrics. */
  registry?: Registry | undefined;
  /** The last of what the drain closes: pools and clients. Called once, also where the start fails. */
  close?: (() => Promise<void>) | undefined;
}

/** A process that listens. */
export interface RunningProcess {
  readonly name: string;
  /** The one that was given out where PORT was 0. */
  readonly port: number;
  readonly adminPort: number;
  /** Drains and resolves when nothing is left; never rejects, and every step is bounded. Later calls get the same promise. */
  close(): Promise<void>;
}

/** For the service's own `close`. */
const CLOSE_MS = 5000;
/** For steps that are over at once unless something is wrong. */
const SHORT_MS = 1000;

/**
 * Runs a server as a process is expected to: admin port, readiness, workers and drain. Resolves when it listens, ready or
 * not: a dependency that is down makes it not ready until it is back. Rejects with a StartError that names the port and its
 * variable where one cannot be had.
 */
export async function startProcess(options: StartProcessOptions): Promise<RunningProcess> {
  const { name, config, logger, server, healthServer, checks = {}, needs = "all", patience, workers = [] } = options;
  const { registry = new Registry(), close = async () => {} } = options;
  const { onReady = (ready) => logger.info({ ready }, "readiness") } = options;
  const readiness = createReadiness({
    checks,
    needs,
    patience,
    intervalMs: config.CHECK_INTERVAL,
    timeoutMs: config.CHECK_TIMEOUT,
    logger,
    onChange: onReady,
  });
  const admin = createAdminPort({ readiness, metrics: () => metricsPage(registry), logger });
  const started: Worker[] = [];
  let closing: Promise<void> | undefined;

  const leave: DrainStep[] = [
    {
      name: "tell not serving",
      timeoutMs: SHORT_MS,
      run() {
        readiness.drain();
        server.leave();
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
    { name: "finish calls", timeoutMs: graceMs + SHORT_MS, run: () => server.close({ graceMs }) },
    { name: "close resources", timeoutMs: CLOSE_MS, run: close },
    {
      name: "close admin port",
      timeoutMs: SHORT_MS,
      run: async () => void (await Promise.all([admin.close(), healthServer?.close({ graceMs: 0 })])),
    },
  ];

  const listenOn = async (what: Pick<DrainableServer, "listen">, variable: ListenFailure["variable"], port: number) => {
    const asked = { name, variable, host: config.HOST, port };
    try {
      return await what.listen(asked);
    } catch (error) {
      throw listenFailure(error, asked);
    }
  };

  try {
    const asked = readPorts(config, { health: healthServer !== undefined });
    const adminPort = await listenOn(admin, "ADMIN_PORT", asked.ADMIN_PORT);
    const port = await listenOn(server, "PORT", asked.PORT);
    if (healthServer) await listenOn(healthServer, "HEALTH_PORT", asked.HEALTH_PORT);
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
      close() {
        closing ??= drain([...leave, ...release(config.DRAIN_GRACE)], logger).then(() => logger.info({}, "closed"));
        return closing;
      },
    };
  } catch (error) {
    readiness.drain();
    await drain(release(CLOSE_MS), logger);
    throw error;
  }
}

type PortConfig = Pick<StartProcessOptions["config"], Ports>;

/** Where to listen. Throws a StartError where one is no port, or has been given twice. */
export function readPorts(config: PortConfig, { health }: { health: boolean }): Record<Exclude<Ports, "HOST">, number> {
  const ports = {
    PORT: config.PORT,
    ADMIN_PORT: portBeside(config, "ADMIN_PORT", 1000),
    HEALTH_PORT: health ? portBeside(config, "HEALTH_PORT", 2000) : 0,
  };
  const given = Object.entries(ports).filter(([, port]) => port !== 0);
  for (const [variable, port] of given) {
    const [first] = given.find((other) => other[1] === port) ?? [variable];
    if (first !== variable) throw new StartError(`${first} and ${variable} are both ${port}: set one to another port`);
  }
  return ports;
}

/** The variable's value, or PORT and `distance`. */
function portBeside(config: PortConfig, variable: "ADMIN_PORT" | "HEALTH_PORT", distance: number): number {
  const port = config[variable] ?? (config.PORT === 0 ? 0 : config.PORT + distance);
  if (port <= 65_535) return port;
  throw new StartError(`${variable} is not set, and PORT + ${distance} is no port (${port}): set ${variable}`);
}

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
