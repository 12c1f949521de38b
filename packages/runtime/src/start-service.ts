import type { Implementation } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import type { Registry } from "prom-client";
import type { ServiceConfig } from "./process-config.ts";
import type { ServiceAuth } from "./service-auth.ts";
import type { Worker } from "./worker.ts";

export interface StartServiceOptions {
  /** The service's name, such as `order`: for log lines and error messages. */
  name: string;
  config: ServiceConfig;
  logger: Logger;
  services: readonly Implementation[];
  auth: ServiceAuth;
  /**
   * What must answer before the process takes calls, by name: its own database, but no other service, else one that is
   * down takes all of its callers down. A check rejects (or outlasts CHECK_TIMEOUT) where it fails.
   */
  checks?: Readonly<Record<string, Check>>;
  /** Started once the process listens, in this order; stopped together. */
  workers?: readonly Worker[];
  /** Metrics of the service's own, shown at /metrics with the calls' and the process's. */
  metrics?: Registry;
  /** The last step of the drain: pools and clients. Called once, also when the start fails. */
  close?: () => Promise<void>;
}

export type Check = (signal: AbortSignal) => Promise<unknown>;

/** A service that listens. */
export interface RunningService {
  readonly name: string;
  /** Of the gRPC server; the one that was given out where PORT was 0. */
  readonly port: number;
  readonly adminPort: number;
  /** Drains and resolves when nothing is left: every step is bounded, so it always does. Further calls give the same promise. */
  close(): Promise<void>;
}

/**
 * Runs services as a process is expected to: standard interceptors, health, reflection, an admin port, readiness and
 * drain. Resolves when it listens, ready or not: a dependency that is down makes it not ready until it is back. Rejects
 * with a StartError that names the port and its variable where one cannot be had.
 */
export declare function startService(options: StartServiceOptions): Promise<RunningService>;
