import { join } from "node:path";
import { type Embedded, InUseError, startEmbedded } from "@tenon/database/embedded";
import { StartError } from "@tenon/errors";
import type { Server } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import { OPERATOR, type PlatformConfig, reachable, variable } from "./config.ts";
import { makeDataDirectory } from "./data-directory.ts";
import { makeDevelopmentKeys } from "./development-keys.ts";
import { type Part, PLATFORM_SERVICES, type StartedPart } from "./platform-services.ts";
import { assertPortsFree } from "./port-check.ts";

export {
  type PlatformConfig,
  type ReadPlatformConfigOptions,
  RUN_DEFAULTS,
  readPlatformConfig,
  runSpec,
} from "./config.ts";
export { PLATFORM_SERVICES, type ServiceName } from "./platform-services.ts";

export interface PlatformOptions {
  config: PlatformConfig;
  /** The logger of a service, or of the platform itself. */
  loggerOf: (owner: Pick<Part, "name" | "logLevel">) => Logger;
  /** Hears what takes time, a line each. */
  onProgress?: (line: string) => void;
  /** Ends the start: what is started is closed again. */
  signal?: AbortSignal;
}

/** Services that run in one process. */
export interface Platform {
  readonly services: readonly RunningPart[];
  /** The admin, where this start made one: to be shown once. */
  readonly admin?: StartedPart["admin"];
  /** Drains every service, those that call before those that they call, then stops the database. */
  close(): Promise<void>;
}

export interface RunningPart {
  readonly name: string;
  /** What it speaks; by default gRPC. */
  readonly protocol?: "http" | undefined;
  /** As a client dials it. */
  readonly address: string;
  readonly adminAddress: string;
  /** What a client needs to call it, where it serves TLS. */
  readonly tls?: Part["tls"];
}

/**
 * Starts services in one process: none needs another one to start. What they need and was not given is made:
 * keys, and the embedded PostgreSQL with a database for each. Either all run in the end or none: what did start is closed
 * again. Rejects with a StartError where the person who starts it can help.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { config, loggerOf, onProgress = () => {}, signal } = options;
  await using started = new AsyncDisposableStack();
  // Loaded while the database starts; what fails in it is told by start().
  for (const part of config.parts) part.load().catch(() => {});
  await makeDataDirectory(config.dataDir);
  // Before the ports are tried: whoever starts a second one on the same data is told that, not each port.
  const database = config.embedded.length > 0 ? await startDatabase(options) : undefined;
  if (database) started.defer(() => database.close());
  await assertPortsFree(config.parts.flatMap(listenersOf));
  const names = [...PLATFORM_SERVICES.map(({ name }) => name), OPERATOR];
  await makeDevelopmentKeys({ directory: join(config.dataDir, "keys"), services: names, onProgress });
  signal?.throwIfAborted();

  const urls = new Map<string, string>();
  for (const name of config.embedded) {
    if (database) urls.set(name, await database.ensureDatabase({ database: name, role: name }));
  }

  const services = new Map<string, StartedPart>();
  started.defer(() => closeInOrder(config.parts, services));
  const outcomes = await startAll(config.parts, async (part, servers) => {
    const running = await part.start({ logger: loggerOf(part), databaseUrl: urls.get(part.name), servers });
    services.set(part.name, running);
    return running;
  });
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  signal?.throwIfAborted();

  const running = started.move();
  const admin = services.get("user")?.admin;
  return {
    ...(admin && { admin }),
    services: config.parts.map(({ name, protocol, host, port, adminPort, tls }) => ({
      name,
      protocol,
      ...(tls && { tls }),
      address: `${reachable(host)}:${port}`,
      adminAddress: `${reachable(host)}:${adminPort}`,
    })),
    close: () => running.disposeAsync(),
  };
}

const startDatabase = ({ config, loggerOf, onProgress = () => {} }: PlatformOptions): Promise<Embedded> =>
  startEmbedded({
    directory: join(config.dataDir, "postgres"),
    logger: loggerOf({ name: "platform", logLevel: config.logLevel }),
    onProgress,
  }).catch((error) => {
    if (!(error instanceof InUseError)) throw error;
    const own = config.embedded.map((name) => variable(name, "DATABASE_URL")).join(", ");
    throw new StartError(
      `${error.message}, name a database of your own (${own}), or set DATA_DIR to another directory`,
      { cause: error },
    );
  });

const listenersOf = ({ name, host, port, adminPort, healthPort }: Part) => [
  { variable: variable(name, "PORT"), host, port },
  { variable: variable(name, "ADMIN_PORT"), host, port: adminPort },
  ...(healthPort === undefined ? [] : [{ variable: variable(name, "HEALTH_PORT"), host, port: healthPort }]),
];

/**
 * Starts all at once, but the gateway after the others: it then has their servers, and calls them without a socket. They call
 * each other over their ports, as they would on machines of their own.
 */
async function startAll(parts: readonly Part[], start: (part: Part, servers: Servers) => Promise<StartedPart>) {
  const servers = new Map<string, Server>();
  const outcomes: PromiseSettledResult<void>[] = [];
  for (const gateways of [false, true]) {
    const turn = parts.filter(({ protocol }) => (protocol === "http") === gateways);
    const settled = await Promise.allSettled(
      turn.map(async (part) => {
        const { server } = await start(part, servers);
        if (server) servers.set(`${reachable(part.host)}:${part.port}`, server);
      }),
    );
    outcomes.push(...settled);
  }
  return outcomes;
}

type Servers = ReadonlyMap<string, Server>;

/** Closes each service once all that call it are closed, so that nobody's last steps fail. All are tried. */
async function closeInOrder(parts: readonly Part[], services: ReadonlyMap<string, StartedPart>): Promise<void> {
  const closing = new Map<string, Promise<void>>();
  const close = (name: string): Promise<void> => {
    const begun = closing.get(name) ?? closeAfter(name);
    closing.set(name, begun);
    return begun;
  };
  const closeAfter = async (name: string) => {
    await Promise.allSettled(parts.filter((part) => part.calls.includes(name)).map((part) => close(part.name)));
    await services.get(name)?.close();
  };
  const outcomes = await Promise.allSettled(parts.map((part) => close(part.name)));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
