export { REFLECTION, type ServiceConfig, type ServiceConfigOptions, serviceConfig } from "./process-config.ts";
export { type RunMainOptions, type Running, runMain } from "./run-main.ts";
export { createAuth, type ServiceAuth, type ServiceAuthOptions } from "./service-auth.ts";
export { type Check, type RunningService, type StartServiceOptions, startService } from "./start-service.ts";
export type { Worker } from "./worker.ts";
