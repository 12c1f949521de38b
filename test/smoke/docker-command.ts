import { spawn } from "node:child_process";
import { SmokeFailure } from "./smoke-failure.ts";

export interface CommandOptions {
  /** Beside this process's. */
  env?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** What is shown of a failed command's output; by default its last line. */
  linesOfFailure?: number;
}

/** How a command of Docker is written here. */
export interface Docker {
  (args: readonly string[], options?: CommandOptions): Promise<string>;
  compose(args: readonly string[], options?: CommandOptions): Promise<string>;
}

/** Finds Docker and Compose. Throws a SmokeFailure where one of them is missing or does not run. */
export async function findDocker(): Promise<Docker> {
  const docker: (...args: Parameters<Docker>) => Promise<string> = (args, options) => run("docker", args, options);
  await run("docker", ["--version"]).catch(() => {
    throw new SmokeFailure("Docker is not installed here: docker is not on the path");
  });
  await run("docker", ["info"], { timeoutMs: 30_000 }).catch(() => {
    throw new SmokeFailure("Docker is installed but cannot be reached: start it, or allow this user to use it");
  });
  for (const command of [["docker", "compose"], ["docker-compose"]]) {
    const [program = "", ...first] = command;
    const compose: Docker["compose"] = (args, options) => run(program, [...first, ...args], options);
    const works = await compose(["version"]).then(
      () => true,
      () => false,
    );
    if (works) return Object.assign(docker, { compose });
  }
  throw new SmokeFailure("Docker Compose is not installed here: neither `docker compose` nor `docker-compose` works");
}

/** From SIGTERM to SIGKILL. */
const GRACE_MS = 10_000;

/**
 * Runs a program and resolves with its standard output. In a process group of its own: Ctrl-C is for this process, which
 * then ends the program by `signal`, and settles only when it has ended, so that nothing runs beside what comes next.
 */
function run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { env, signal, timeoutMs = 60_000, linesOfFailure = 1 } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, all, ending] = ["", "", ""];
    let killing: NodeJS.Timeout | undefined;
    const end = (why: string) => {
      ending ||= why;
      child.kill();
      killing ??= setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    };
    const onAbort = () => end("was stopped");
    const timer = setTimeout(() => end(`was ended after ${timeoutMs / 1000} s`), timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      all += text;
    });
    const settled = () => {
      clearTimeout(timer);
      clearTimeout(killing);
      signal?.removeEventListener("abort", onAbort);
    };
    // It could not be started: there is no end to wait for.
    child.on("error", (error) => {
      settled();
      reject(error);
    });
    child.on("close", (code) => {
      settled();
      if (code === 0) return resolve(stdout);
      const said = all.trimEnd().split("\n").slice(-linesOfFailure).join("\n");
      reject(new SmokeFailure(`${[program, ...args.slice(-3)].join(" ")} ${ending || "failed"}: ${said}`));
    });
  });
}
