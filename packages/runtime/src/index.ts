export { type AskHealthOptions, askHealth, type HealthStatus } from "./ask-health.ts";
export { clientLimits } from "./call-limits.ts";
export { type CheckServiceOptions, checkProcess, checkService } from "./check-start.ts";
export { createPeriodicWorker, type PeriodicWorkerOptions } from "./periodic-worker.ts";
export { rate, type ServiceConfig, type ServiceConfigOptions, serviceConfig } from "./process-config.ts";
export { createQueueWorker, type QueueWorker, type QueueWorkerOptions } from "./queue-worker.ts";
export type { Check } from "./readiness.ts";
export { type ReplicaSecretOptions, readReplicaSecret } from "./replica-secret.ts";
export { type RunMainOptions, type Running, runMain } from "./run-main.ts";
export { type SampledGaugeOptions, sampledGauge } from "./sampled-gauge.ts";
export { createAuth, type ServiceAuth, type ServiceAuthOptions, USER_TOKENS } from "./service-auth.ts";
export { type DrainableServer, type RunningProcess, type StartProcessOptions, startProcess } from "./start-process.ts";
export { type RunningService, type StartServiceOptions, startService } from "./start-service.ts";
export { telemetryConfig } from "./telemetry.ts";
export {
  type ClientTlsConfig,
  createTlsFiles,
  readClientTls,
  type TlsFiles,
  type TlsFilesOptions,
  tlsHint,
} from "./tls-files.ts";
export type { Worker } from "./worker.ts";
