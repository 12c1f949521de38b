import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findDocker } from "./docker-command.ts";
import type { Ports } from "./published-ports.ts";
import type { CommandOptions } from "./run-command.ts";
import { SmokeFailure } from "./smoke-failure.ts";

const ROOT = join(import.meta.dirname, "../..");
const BUILD_LIMIT_MS = 20 * 60_000;
const UP_LIMIT_MS = 3 * 60_000;
const POLL_MS = 250;

export interface ComposeProjectOptions {
  /** Of the project: what has another name is not touched. */
  name: string;
  /** Over docker-compose.yml, each over those before. */
  files?: readonly string[];
  /** For what these files read from it. */
  env?: Readonly<Record<string, string>>;
  ports: Ports;
  /** Ends what runs; the project is taken down all the same. */
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** The platform of docker-compose.yml, and files over it, as a project of its own. */
export interface ComposeProject extends AsyncDisposable {
  build(): Promise<void>;
  /** Starts these services, and nothing that they need. */
  up(...services: readonly string[]): Promise<void>;
  /** Resolves when they are healthy: by default all that run. */
  healthy(...services: readonly string[]): Promise<void>;
  /** As a crash does it. Docker leaves what was killed by hand as it is, until it is started. */
  kill(service: string): Promise<void>;
  /** Resolves when they have ended by themselves; a SmokeFailure where one did not with exit code 0. */
  ended(...services: readonly string[]): Promise<void>;
  start(service: string): Promise<void>;
  restart(service: string): Promise<void>;
  /** Ends all by SIGTERM; resolves with the exit codes. */
  stop(): Promise<Map<string, number>>;
  /** The output of a command in its container. Rejects where it fails. */
  exec(service: string, ...command: readonly string[]): Promise<string>;
  /** Copies a directory out of its container, which may have ended. */
  copy(service: string, from: string, to: string): Promise<void>;
  states(): Promise<readonly ContainerState[]>;
}

export interface ContainerState {
  readonly id: string;
  readonly service: string;
  readonly running: boolean;
  readonly health: "starting" | "healthy" | "unhealthy" | "";
  /** By Docker, because it had ended. */
  readonly restarts: number;
  readonly exitCode: number;
}

/** Prepares the project; what an earlier run left of it is removed. Disposing takes down everything but the images. */
export async function createComposeProject(options: ComposeProjectOptions): Promise<ComposeProject> {
  const { name, ports, signal, onProgress } = options;
  const docker = await findDocker();
  const files = ["docker-compose.yml", ...(options.files ?? [])].flatMap((file) => ["-f", join(ROOT, file)]);
  // Not the network of a platform that runs here already.
  const env: Record<string, string> = { LOG_LEVEL: "warn", NETWORK: "10.213.81", ...options.env };
  for (const [service, port] of Object.entries(ports)) env[`${service.toUpperCase()}_PORT`] = String(port);
  const compose = (args: readonly string[], more: CommandOptions = { signal }) =>
    docker.compose(["-p", name, ...files, ...args], { env, ...more });
  const down = () => compose(["down", "--volumes", "--remove-orphans", "--timeout", "10"], { timeoutMs: UP_LIMIT_MS });

  async function states(): Promise<readonly ContainerState[]> {
    const ids = (await docker(["ps", "-aq", "--filter", `label=com.docker.compose.project=${name}`], { signal })).split(
      "\n",
    );
    const found = ids.filter((id) => id !== "");
    if (found.length === 0) return [];
    return JSON.parse(await docker(["inspect", ...found], { signal })).map(toState);
  }

  async function idOf(service: string): Promise<string> {
    const container = (await states()).find((state) => state.service === service);
    if (container === undefined) throw new SmokeFailure(`there is no container of ${service}`);
    return container.id;
  }

  const on = async (service: string, ...command: readonly string[]) =>
    void (await docker([...command, await idOf(service)], { signal }));

  async function healthy(...services: readonly string[]): Promise<void> {
    const startedAt = Date.now();
    for (let told = -1; ; await delay(POLL_MS, undefined, { signal })) {
      const all = (await states()).filter(({ service, running }) =>
        services.length > 0 ? services.includes(service) : running,
      );
      const missing = all.filter(({ health }) => health !== "healthy");
      const count = all.length - missing.length;
      if (count !== told) onProgress(`  ${count} of ${all.length} healthy`);
      told = count;
      if (missing.length === 0) return;
      if (Date.now() - startedAt < UP_LIMIT_MS) continue;
      const names = missing.map(({ service }) => service).join(", ");
      const logs = await compose(["logs", "--tail", "5", ...missing.map(({ service }) => service)]);
      throw new SmokeFailure(`not healthy after ${UP_LIMIT_MS / 1000} s: ${names}\n${logs}`);
    }
  }

  async function ended(...services: readonly string[]): Promise<void> {
    for (const service of services) {
      for (;;) {
        const state = (await states()).find((each) => each.service === service);
        if (state?.exitCode) throw new SmokeFailure(`${service} ended with exit code ${state.exitCode}`);
        if (state?.running === false) break;
        await delay(POLL_MS, undefined, { signal });
      }
    }
  }

  await down();
  return {
    build: async () => void (await compose(["build"], { signal, timeoutMs: BUILD_LIMIT_MS, linesOfFailure: 20 })),
    up: async (...services) =>
      void (await compose(["up", "--detach", "--no-deps", "--no-build", ...services], {
        signal,
        timeoutMs: UP_LIMIT_MS,
      })),
    healthy,
    ended,
    kill: (service) => on(service, "kill", "--signal", "KILL"),
    start: (service) => on(service, "start"),
    restart: (service) => on(service, "restart"),
    async stop() {
      await compose(["stop"], { signal, timeoutMs: UP_LIMIT_MS });
      return new Map((await states()).map(({ service, exitCode }) => [service, exitCode]));
    },
    exec: async (service, ...command) => docker(["exec", await idOf(service), ...command], { signal }),
    copy: async (service, from, to) => void (await docker(["cp", `${await idOf(service)}:${from}`, to], { signal })),
    states,
    async [Symbol.asyncDispose]() {
      await down();
      onProgress("Everything is taken down; the images stay, for the next time.");
    },
  };
}

/** As `docker inspect` tells it. */
interface Inspected {
  Id: string;
  RestartCount: number;
  Config: { Labels: Record<string, string> };
  State: { Running: boolean; ExitCode: number; Health?: { Status: ContainerState["health"] } };
}

const toState = ({ Id, RestartCount, Config, State }: Inspected): ContainerState => ({
  id: Id,
  service: Config.Labels["com.docker.compose.service"] ?? "",
  running: State.Running,
  health: State.Health?.Status ?? "",
  restarts: RestartCount,
  exitCode: State.ExitCode,
});
