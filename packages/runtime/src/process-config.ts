import { type Config, duration, port, str } from "@tenon/config";
import { LOG_LEVELS } from "@tenon/logger";

export interface ServiceConfigOptions {
  /** The port of the gRPC server where PORT does not say another. */
  port: number;
}

/**
 * What the environment tells every service: `readConfig({ ...serviceConfig({ port: 8082 }), DATABASE_URL: str(...) })`.
 * The names and defaults are the interface of the platform's processes; durations are read as milliseconds.
 */
export const serviceConfig = (options: ServiceConfigOptions) => ({
  HOST: str({ default: "127.0.0.1", desc: "address to listen on; 0.0.0.0 for every one of this machine" }),
  PORT: port({ default: options.port, desc: "port of the gRPC server" }),
  ADMIN_PORT: port({ default: undefined, desc: "port of /metrics, /healthz and /readyz; by default PORT + 1000" }),
  LOG_LEVEL: str({ choices: LOG_LEVELS, default: "info", desc: `lowest level to log: ${LOG_LEVELS.join(", ")}` }),
  SERVICE_KEY_FILE: str({ default: undefined, desc: "file with the private JWK that proves this service to others" }),
  SERVICE_JWKS_FILE: str({
    default: undefined,
    desc: "file with the public JWKs of the services that may call this one",
  }),
  REFLECTION: str({
    choices: REFLECTION,
    default: "public",
    desc: "who may list and describe the services by gRPC reflection: public, admin or off",
  }),
  MAX_CONNECTION_AGE: duration({
    default: undefined,
    desc: "time after which clients are asked to connect anew, and so find replicas that came later; by default never",
  }),
  CHECK_INTERVAL: duration({ default: 2000, desc: "time between two rounds of readiness checks" }),
  CHECK_TIMEOUT: duration({ default: 1000, desc: "time that one readiness check may take" }),
  DRAIN_WAIT: duration({
    default: 1000,
    desc: "time for clients to notice that this process goes, before it refuses calls",
  }),
  DRAIN_GRACE: duration({
    default: 10_000,
    desc: "time for calls in flight to finish at shutdown, before they are ended",
  }),
});

/** Who may use reflection. */
export const REFLECTION = ["public", "admin", "off"] as const;

export type ServiceConfig = Config<ReturnType<typeof serviceConfig>>;
