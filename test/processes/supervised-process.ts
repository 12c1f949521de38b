import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export interface SupervisedOptions {
  name: string;
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Where it writes what it says. */
  logFile: string;
  /** Whether it answers as it should. */
  isReady: () => Promise<boolean>;
  /** How long it stays away after its end, in milliseconds. */
  restartDelayMs: () => number;
  /** What is done before each start but the first. */
  beforeRestart?: () => Promise<void>;
  onEvent: (event: ProcessEvent) => void;
}

export type ProcessEvent =
  | { kind: "start"; name: string; pid: number }
  | { kind: "message"; name: string; message: unknown }
  | { kind: "exit"; name: string; pid: number; how: number | NodeJS.Signals };

/** A process that is started again whenever it ends, as by an orchestrator. */
export interface SupervisedProcess {
  readonly name: string;
  /** Undefined while it is away. */
  readonly pid: number | undefined;
  /** Rejects where it takes too long. */
  ready(limitMs: number): Promise<void>;
  /** For a module that was loaded into it; lost while it is away. */
  tell(message: object): void;
  /** Ends it for good, by SIGTERM. How it ended. */
  stop(): Promise<number | NodeJS.Signals>;
}

const POLL_MS = 50;

export function supervise(options: SupervisedOptions): SupervisedProcess {
  const { name, command, env, logFile, isReady, restartDelayMs, beforeRestart, onEvent } = options;
  const log = openSync(logFile, "a");
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let lastExit: number | NodeJS.Signals = 0;
  const running = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const [program = "", ...args] = command;
      const started = spawn(program, args, {
        env: { ...env },
        stdio: ["ignore", log, log, "ipc"],
        serialization: "advanced",
      });
      const pid = started.pid ?? 0;
      child = started;
      onEvent({ kind: "start", name, pid });
      // One that is gone while it is written to.
      started.on("error", () => {});
      started.on("message", (message) => onEvent({ kind: "message", name, message }));
      const [code, signal] = await once(started, "exit");
      child = undefined;
      lastExit = code ?? signal;
      onEvent({ kind: "exit", name, pid, how: lastExit });
      await delay(restartDelayMs(), undefined, { signal: stopping.signal }).catch(() => {});
      await beforeRestart?.();
    }
  }

  return {
    name,
    get pid() {
      return child?.pid;
    },
    async ready(limitMs) {
      for (const startedAt = Date.now(); ; await delay(POLL_MS)) {
        if (child && (await isReady().catch(() => false))) return;
        if (Date.now() - startedAt > limitMs)
          throw new Error(`${name} is not ready after ${limitMs} ms: see ${logFile}`);
      }
    },
    tell(message) {
      if (child?.connected) child.send(message, () => {});
    },
    async stop() {
      stopping.abort();
      child?.kill("SIGTERM");
      await running;
      return lastExit;
    },
  };
}
