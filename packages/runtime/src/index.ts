export { createPeriodicWorker, type PeriodicWorkerOptions } from "./periodic-worker.ts";
export { type ServiceConfig, type ServiceConfigOptions, serviceConfig } from "./process-config.ts";
export type { Check } from "./readiness.ts";
export { type ReplicaSecretOptions, readReplicaSecret } from "./replica-secret.ts";
export { type RunMainOptions, type Running, runMain } from "./run-main.ts";
export { createAuth, type ServiceAuth, type ServiceAuthOptions, USER_TOKENS } from "./service-auth.ts";
export { type RunningService, type StartServiceOptions, startService } from "./start-service.ts";
export { type DrainableServer, type StartHttpServiceOptions, startHttpService } from "./start-http-service.ts";
export type { Worker } from "./worker.ts";
