import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Embedded, startEmbedded } from "@tenon/database/embedded";
import { createLogger } from "@tenon/logger";
import { askHealth } from "@tenon/runtime";
import { makeServiceKeys } from "@tenon/setup";
import { chooseFixedPorts } from "./fixed-ports.ts";
import { type NatsOptions, type NatsProcess, superviseNats } from "./nats-process.ts";
import { type ProcessEvent, type SupervisedProcess, supervise } from "./supervised-process.ts";

export type ServiceName = "order" | "payment" | "processor" | "user";

export interface ProcessPlatformOptions {
  /** For everything that it keeps; what an earlier start left there is found again. */
  directory: string;
  /** How many processes of each service. */
  replicas: Readonly<Record<ServiceName, number>>;
  /** For all of them, beside what they need. */
  env: Readonly<Record<string, string>>;
  /** A module to load into each before its own. */
  preload?: string;
  /** A broker of their own that carries events; without one services deliver them. */
  nats?: NatsOptions;
  /** With it they speak TLS, each by these files of PEM. */
  certificateOf?: (service: ServiceName) => { readonly cert: string; readonly key: string; readonly ca: string };
  restartDelayMs: () => number;
  onEvent: (event: ProcessEvent) => void;
}

export interface ServiceProcess extends SupervisedProcess {
  readonly service: ServiceName;
  readonly port: number;
  readonly adminPort: number;
  readonly logFile: string;
}

/** The services that take orders and money as processes of their own, with a PostgreSQL that they share. */
export interface ProcessPlatform {
  readonly processes: readonly ServiceProcess[];
  /** As a client dials it: all replicas of the service. */
  readonly targets: Readonly<Record<ServiceName, string>>;
  readonly admin: { readonly email: string; readonly password: string };
  readonly database: Embedded;
  readonly nats: NatsProcess | undefined;
  /** Of PostgreSQL; undefined while it is down. */
  postgresPid(): Promise<number | undefined>;
  /** Ends all in the order of calls; how each process ended. */
  close(): Promise<ReadonlyMap<string, number | NodeJS.Signals>>;
}

/** Who calls before who is called, so that each is ended before what it needs. */
const SERVICES = ["order", "payment", "processor", "user"] as const;
const START_LIMIT_MS = 120_000;
const ADMIN_EMAIL = "admin@processes.example";
const root = join(import.meta.dirname, "../..");

export async function startProcessPlatform(options: ProcessPlatformOptions): Promise<ProcessPlatform> {
  const { directory, replicas, env, preload, certificateOf, nats: natsOptions, restartDelayMs, onEvent } = options;
  const postgres = join(directory, "postgres");
  const logs = join(directory, "logs");
  await mkdir(logs, { recursive: true });
  const database = await startEmbedded({
    directory: postgres,
    logger: createLogger({ name: "postgres", level: "silent" }),
  });
  const keyFiles = Object.fromEntries(SERVICES.map((name) => [name, join(directory, `${name}.jwk.json`)]));
  const jwksFile = join(directory, "services.jwks.json");
  await makeServiceKeys({ keyFiles, jwksFiles: [jwksFile] });
  const passwordFile = join(directory, "admin-password");
  // That of an earlier start on the same data holds.
  await writeFile(passwordFile, randomBytes(18).toString("base64url"), { mode: 0o600, flag: "wx" }).catch(() => {});
  const admin = { email: ADMIN_EMAIL, password: await readFile(passwordFile, "utf8") };

  const instances = SERVICES.flatMap((service) => {
    const { [service]: count } = replicas;
    return Array.from({ length: count }, (_, i) => ({ service, name: count === 1 ? service : `${service}-${i + 1}` }));
  });
  const [natsPort = 0, ...ports] = await chooseFixedPorts(1 + 3 * instances.length);
  const supervision = { restartDelayMs, onEvent };
  const natsPlace = { directory, port: natsPort, logFile: join(logs, "nats.log") };
  const nats = natsOptions && superviseNats({ ...natsOptions, ...natsPlace, ...supervision });
  const places = instances.map((instance, index) => {
    const [port = 0, adminPort = 0, healthPort = 0] = ports.slice(3 * index);
    return { ...instance, port, adminPort, healthPort, logFile: join(logs, `${instance.name}.log`) };
  });
  const targetOf = (service: ServiceName) =>
    `ipv4:${places.flatMap((place) => (place.service === service ? [`127.0.0.1:${place.port}`] : [])).join(",")}`;
  const targets = Object.fromEntries(SERVICES.map((name) => [name, targetOf(name)])) as Record<ServiceName, string>;
  const urls = new Map<string, string>();
  for (const name of SERVICES) urls.set(name, await database.ensureDatabase({ database: name, role: name }));

  const processes = places.map(({ name, service, port, adminPort, healthPort, logFile }) => {
    const certificate = certificateOf?.(service);
    const variables = {
      PATH: process.env.PATH ?? "",
      LOG_LEVEL: "info",
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      HEALTH_PORT: String(healthPort),
      ...(certificate && {
        TLS_CERT_FILE: certificate.cert,
        TLS_KEY_FILE: certificate.key,
        TLS_CA_FILE: certificate.ca,
      }),
      DATABASE_URL: urls.get(service) ?? "",
      SERVICE_KEY_FILE: keyFiles[service] ?? "",
      SERVICE_JWKS_FILE: jwksFile,
      USER_TARGET: targets.user,
      ORDER_TARGET: targets.order,
      PAYMENT_TARGET: targets.payment,
      PROCESSOR_TARGET: targets.processor,
      DEMO_CATALOG: "true",
      ADMIN_EMAIL,
      ADMIN_PASSWORD_FILE: passwordFile,
      ...(nats && { NATS_URL: nats.url }),
      ...env,
    };
    const supervised = supervise({
      name,
      command: [
        process.execPath,
        ...(preload === undefined ? [] : ["--import", preload]),
        join(root, `services/${service}/src/main.ts`),
      ],
      env: variables,
      logFile,
      // With TLS health is answered in the clear on a port of its own.
      isReady: async () => (await askHealth({ address: `127.0.0.1:${certificate ? healthPort : port}` })) === "SERVING",
      ...supervision,
    });
    return Object.assign(supervised, { service, port, adminPort, logFile });
  });
  const close = async () => {
    const ends = new Map<string, number | NodeJS.Signals>();
    for (const each of processes) ends.set(each.name, await each.stop());
    if (nats) ends.set(nats.name, await nats.stop());
    await database.close();
    return ends;
  };
  try {
    await Promise.all([...processes, ...(nats ? [nats] : [])].map((each) => each.ready(START_LIMIT_MS)));
  } catch (error) {
    await close();
    throw error;
  }

  return {
    processes,
    targets,
    admin,
    database,
    nats,
    async postgresPid() {
      const text = await readFile(join(postgres, "cluster/data/postmaster.pid"), "utf8").catch(() => "");
      return Number(text.split("\n")[0]) || undefined;
    },
    close,
  };
}
