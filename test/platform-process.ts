import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const ENTRY = join(import.meta.dirname, "../services/platform/src/main.ts");

export interface PlatformProcessOptions {
  dataDir: string;
  env: Readonly<Record<string, string>>;
  /** Which services, as `make run service=` names them; by default all. */
  only?: string;
}

/** The process of `make run`, seen from outside. */
export interface PlatformProcess extends AsyncDisposable {
  readonly pid: number;
  /** Everything it has said until now. */
  readonly said: { stdout: string; stderr: string };
  /** Resolves once it says that it is ready. Rejects with what it said where it ends before, or takes too long. */
  ready(options: { timeoutMs: number }): Promise<void>;
  /** How it ended, a code or a signal. Rejects where it takes too long. */
  exit(options: { timeoutMs: number }): Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts the process. It gets the path and the given variables of the environment, no others. */
export function startPlatformProcess({ dataDir, env, only }: PlatformProcessOptions): PlatformProcess {
  const child = spawn(process.execPath, [ENTRY, ...(only === undefined ? [] : [only])], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  const announced = Promise.withResolvers<void>();
  announced.promise.catch(() => {});
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
      if (said.stdout.includes("\nReady.")) announced.resolve();
    });
  }
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  void ended.then((how) => announced.reject(new Error(`ended with ${how}: ${said.stdout}${said.stderr}`)));

  async function within<T>(promise: Promise<T>, what: string, timeoutMs: number): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`not ${what} after ${timeoutMs} ms: ${said.stdout}${said.stderr}`)),
      timeoutMs,
    );
    try {
      return await Promise.race([promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    pid: child.pid as number,
    said,
    ready: ({ timeoutMs }) => within(announced.promise, "ready", timeoutMs),
    exit: ({ timeoutMs }) => within(ended, "ended", timeoutMs),
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      await within(ended, "ended", 15_000).catch(() => child.kill("SIGKILL"));
    },
  };
}
