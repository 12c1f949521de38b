import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClientTls } from "@tenon/grpc";
import { makeCertificates } from "@tenon/setup";
import { chooseFixedPorts } from "../processes/fixed-ports.ts";
import {
  type ProcessPlatform,
  type ServiceName,
  type ServiceProcess,
  startProcessPlatform,
} from "../processes/process-platform.ts";
import { type ProcessEvent, type SupervisedProcess, supervise } from "../processes/supervised-process.ts";

export interface DrillPlatformOptions {
  /** For everything that it keeps. */
  directory: string;
  replicas: Readonly<Record<ServiceName, number>>;
  gateways: number;
}

export interface GatewayProcess extends SupervisedProcess {
  readonly url: string;
  readonly adminPort: number;
  readonly logFile: string;
  /** As a load balancer asks. */
  isReady(): Promise<boolean>;
}

export type DrillProcess = ServiceProcess | GatewayProcess;

/** The platform as processes that speak mutual TLS, each started again whenever it ends, and gateways before it. */
export interface DrillPlatform extends AsyncDisposable {
  readonly services: ProcessPlatform;
  /** The files of a process's certificate. */
  certificateOf(name: string): { readonly cert: string; readonly key: string; readonly ca: string };
  readonly gateways: readonly GatewayProcess[];
  /** Shown by who speaks for users: no service's identity. */
  readonly clientTls: ClientTls;
  /** Makes all certificates anew, as a machine does whose clock is so many days on. */
  renewCertificates(days: number): Promise<void>;
  /** From now on whatever ends stays away so long, in milliseconds. */
  stayAway(ms: number): void;
  /** How a process ends, and when; to be asked before it does. */
  nextExit(name: string): Promise<{ how: number | NodeJS.Signals; atMs: number }>;
}

const SUBJECTS = ["order", "payment", "processor", "user", "gateway"] as const;
const START_LIMIT_MS = 120_000;
const DAY_MS = 24 * 3_600_000;

/** Connections end and files are looked at more often than in production, so that minutes show it. */
const HASTE = {
  MAX_CONNECTION_AGE: "5s",
  TLS_RELOAD_INTERVAL: "100ms",
  CHECK_INTERVAL: "500ms",
  // Overload is a drill of its own; a machine that is busy with something else must not be taken for it here.
  LOAD_SHEDDING: "off",
  // The load logs in once.
  ACCESS_TOKEN_LIFETIME: "2h",
};

/** A load balancer on a busy machine takes longer to see that a gateway leaves than clients that watch its health. */
const GATEWAY_DRAIN_WAIT = "3s";

export async function startDrillPlatform(options: DrillPlatformOptions): Promise<DrillPlatform> {
  const { directory, replicas, gateways: gatewayCount } = options;
  await using undo = new AsyncDisposableStack();
  const tls = join(directory, "tls");
  await mkdir(tls, { recursive: true, mode: 0o700 });
  const filesOf = (name: string) => ({ cert: join(tls, `${name}.crt`), key: join(tls, `${name}.key`) });
  const certificateOf = (name: string) => ({ ...filesOf(name), ca: filesOf("ca").cert });
  const renewCertificates = (days: number) =>
    makeCertificates({
      authority: filesOf("ca"),
      subjects: SUBJECTS.map((name) => ({
        ...filesOf(name),
        names: [name, "localhost", "127.0.0.1"],
        ...(name !== "gateway" && { uri: `spiffe://tenon/${name}` }),
      })),
      // They hold for a week, and are renewed when half of it is over; the first ones are some days old.
      now: () => new Date(Date.now() + (days - 5) * DAY_MS),
    });
  await renewCertificates(0);

  let awayMs = 0;
  const waiting = new Map<string, (exit: { how: number | NodeJS.Signals; atMs: number }) => void>();
  const supervision = {
    restartDelayMs: () => awayMs,
    onEvent(event: ProcessEvent) {
      if (event.kind !== "exit") return;
      waiting.get(event.name)?.({ how: event.how, atMs: performance.now() });
      waiting.delete(event.name);
    },
  };
  const services = await startProcessPlatform({ directory, replicas, env: HASTE, certificateOf, ...supervision });
  undo.defer(async () => void (await services.close()));

  const ports = await chooseFixedPorts(2 * gatewayCount);
  const { targets } = services;
  const gateways = Array.from({ length: gatewayCount }, (_, index): GatewayProcess => {
    const [port = 0, adminPort = 0] = ports.slice(2 * index);
    const { cert, key, ca } = certificateOf("gateway");
    const logFile = join(directory, "logs", `gateway-${index + 1}.log`);
    const isReady = async () => {
      const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`, { signal: AbortSignal.timeout(1000) });
      await answer.body?.cancel();
      return answer.ok;
    };
    const supervised = supervise({
      name: `gateway-${index + 1}`,
      command: [process.execPath, join(import.meta.dirname, "../../services/gateway/src/main.ts")],
      env: {
        PATH: process.env.PATH ?? "",
        ...{ PORT: String(port), ADMIN_PORT: String(adminPort) },
        ...{ TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca, TLS_RELOAD_INTERVAL: HASTE.TLS_RELOAD_INTERVAL },
        ...{ USER_TARGET: targets.user, ORDER_TARGET: targets.order, PAYMENT_TARGET: targets.payment },
        // The load is one client.
        REQUEST_RATE: "10000",
        DRAIN_WAIT: GATEWAY_DRAIN_WAIT,
      },
      logFile,
      isReady,
      ...supervision,
    });
    undo.defer(async () => void (await supervised.stop()));
    return Object.assign(supervised, { url: `http://127.0.0.1:${port}`, adminPort, logFile, isReady });
  });
  await Promise.all(gateways.map((each) => each.ready(START_LIMIT_MS)));

  const { cert, key, ca } = certificateOf("gateway");
  const clientTls = { cert: await readFile(cert), key: await readFile(key), ca: await readFile(ca) };
  const kept = undo.move();
  return {
    ...{ services, gateways, certificateOf },
    ...{ clientTls, renewCertificates },
    stayAway(ms) {
      awayMs = ms;
    },
    nextExit: (name) => new Promise((resolve) => waiting.set(name, resolve)),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
