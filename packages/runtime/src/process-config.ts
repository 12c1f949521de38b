import { type Config, count, duration, EnvError, makeValidator, port, str } from "@tenon/config";
import { clientAddress, type Rate } from "@tenon/interceptors";
import { LOG_LEVELS } from "@tenon/logger";

/** So many calls in a time, all at once if need be: `60/1m`; `off` for as many as come. */
export const rate = makeValidator<Rate | "off">((input) => {
  if (input === "off") return "off";
  const [, calls = "", time = "", unit = ""] = /^(\d{1,7})\/(\d{1,4})(s|m|h)$/.exec(input) ?? [];
  const seconds = Number(time) * (SECONDS[unit] ?? 0);
  const burst = Number(calls);
  if (burst < 1 || burst > 1_000_000 || !(seconds >= 1 && seconds <= 86_400)) {
    throw new EnvError("expected calls in a time from 1s to 24h, such as 60/1m, or off");
  }
  return { perSecond: burst / seconds, burst };
});
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

const proxies = makeValidator<readonly string[]>((input) => {
  const trustedProxies = input.split(",").map((entry) => entry.trim());
  try {
    clientAddress({ trustedProxies });
  } catch {
    throw new EnvError("expected addresses and subnets, such as 10.0.0.0/8,::1");
  }
  return trustedProxies;
});

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
  TLS_CERT_FILE: str({
    default: undefined,
    desc: "file with this process's certificate and those up to its root; with TLS_KEY_FILE it serves and calls by TLS",
  }),
  TLS_KEY_FILE: str({ default: undefined, desc: "file with the certificate's private key" }),
  TLS_CA_FILE: str({
    default: undefined,
    desc: "file with the roots by which others are known; clients then need a certificate too",
  }),
  TLS_CLIENT_CERTIFICATE: str({
    choices: ["required", "optional"] as const,
    default: "required",
    desc: "with TLS_CA_FILE, whether a client without a certificate is let in, to show a token: required or optional",
  }),
  TLS_RELOAD_INTERVAL: duration({ default: 10_000, desc: "time between two looks for renewed certificates" }),
  TLS_TRUST_DOMAIN: str({
    default: "tenon",
    desc: "whose certificates prove a service, as spiffe://<this>/<service>; it may have a path, as shop.example/ns/shop/sa",
  }),
  HEALTH_PORT: port({
    default: undefined,
    desc: "with TLS: port where health alone is answered in the clear, for the kubelet; by default PORT + 2000",
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
  LOAD_SHEDDING: str({
    choices: SWITCH,
    default: "on",
    desc: "whether calls are refused when there are more at once than go without delay: on or off",
  }),
  MAX_CONCURRENT_CALLS: count({ max: 100_000, default: 1000, desc: "calls at once, however well they go" }),
  CREDENTIAL_RATE: rate({
    default: { perSecond: 1, burst: 60 },
    desc: "calls that test a secret (log-in, sign-up) that one user or address may make: 60/1m, or off",
  }),
  WRITE_RATE: rate({ default: "off", desc: "calls with an effect that one user or address may make: 600/1m, or off" }),
  READ_RATE: rate({ default: "off", desc: "calls without one that one user or address may make: 6000/1m, or off" }),
  TRUSTED_PROXIES: proxies({
    default: [],
    desc: "addresses and subnets of our own proxies (the gateway), by commas, which tell whom a call comes from; by default none",
  }),
  CIRCUIT_BREAKER: str({
    choices: SWITCH,
    default: "on",
    desc: "whether this service leaves alone what it calls and is not well: on or off",
  }),
  CHECK_INTERVAL: duration({ default: 2000, desc: "time between two rounds of readiness checks" }),
  CHECK_TIMEOUT: duration({ default: 1000, desc: "time that one readiness check may take" }),
  DRAIN_WAIT: duration({
    min: 0,
    default: 1000,
    desc: "time for clients to notice that this process goes, before it refuses calls",
  }),
  DRAIN_GRACE: duration({
    min: 0,
    default: 10_000,
    desc: "time for calls in flight to finish at shutdown, before they are ended",
  }),
});

const SWITCH = ["on", "off"] as const;

/** Who may use reflection. */
export const REFLECTION = ["public", "admin", "off"] as const;

export type ServiceConfig = Config<ReturnType<typeof serviceConfig>>;
