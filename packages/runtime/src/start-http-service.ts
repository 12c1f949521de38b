import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@tenon/logger";
import { Registry } from "prom-client";
import { createAdminPort } from "./admin-port.ts";
import { type DrainStep, drain } from "./drain.ts";
import { type ListenFailure, listenFailure } from "./listen-failure.ts";
import type { ServiceConfig } from "./process-config.ts";
import { processMetrics } from "./process-metrics.ts";
import { type Check, createReadiness } from "./readiness.ts";
import { adminPortOf, type RunningService } from "./start-service.ts";

/** A server of whatever protocol: what the life of a process needs of it. */
export interface DrainableServer {
  listen(address: { host: string; port: number }): Promise<number>;
  /** Clients are to go elsewhere; those that come are served still. */
  leave(): void;
  /** Takes nothing new; resolves when all that was begun is done, or was ended after `graceMs`. */
  close(options: { graceMs: number }): Promise<void>;
}

export interface StartHttpServiceOptions {
  /** The service's name: for log lines and error messages. */
  name: string;
  config: Pick<
    ServiceConfig,
    "HOST" | "PORT" | "ADMIN_PORT" | "CHECK_INTERVAL" | "CHECK_TIMEOUT" | "DRAIN_WAIT" | "DRAIN_GRACE"
  >;
  logger: Logger;
  server: DrainableServer;
  /** As those of `startService`. */
  checks?: Readonly<Record<string, Check>>;
  /** Which of them must hold: all, by default, or any one. */
  needs?: "all" | "any";
  /** Shown at /metrics beside the process's own. */
  registry?: Registry;
  /** The last step of the drain. Called once, also where the start fails. */
  close?: () => Promise<void>;
}

const CLOSE_MS = 5000;
const SHORT_MS = 1000;

/**
 * Runs a server that is not a gRPC one as a process is expected to: admin port, readiness and drain as `startService`
 * has them. Resolves when it listens; rejects with a StartError where a port cannot be had.
 */
export async function startHttpService(options: StartHttpServiceOptions): Promise<RunningService> {
  const {
    name,
    config,
    logger,
    server,
    checks = {},
    needs = "all",
    registry = new Registry(),
    close = async () => {},
  } = options;
  const readiness = createReadiness({
    checks,
    needs,
    intervalMs: config.CHECK_INTERVAL,
    timeoutMs: config.CHECK_TIMEOUT,
    logger,
    onChange: (ready) => logger.info({ ready }, "readiness"),
  });
  const admin = createAdminPort({
    readiness,
    metrics: async () => {
      const pages = await Promise.all([processMetrics(), registry].map((each) => each.metrics()));
      return { contentType: registry.contentType, text: pages.join("") };
    },
  });
  let closing: Promise<void> | undefined;

  const leave: DrainStep[] = [
    {
      name: "tell not ready",
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
    { name: "finish requests", timeoutMs: graceMs + SHORT_MS, run: () => server.close({ graceMs }) },
    { name: "close resources", timeoutMs: CLOSE_MS, run: close },
    { name: "close admin port", timeoutMs: SHORT_MS, run: admin.close },
  ];

  try {
    const { HOST: host, PORT } = config;
    const adminPort = await listenOn(admin, { name, variable: "ADMIN_PORT", host, port: adminPortOf(config) });
    const port = await listenOn(server, { name, variable: "PORT", host, port: PORT });
    await readiness.start();
    logger.info({ host, port, "admin.port": adminPort, ...readiness.report() }, "listening");
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

async function listenOn(what: Pick<DrainableServer, "listen">, asked: ListenFailure): Promise<number> {
  try {
    return await what.listen(asked);
  } catch (error) {
    throw listenFailure(error, asked);
  }
}
