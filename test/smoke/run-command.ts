import { spawn } from "node:child_process";
import { SmokeFailure } from "./smoke-failure.ts";

export interface CommandOptions {
  /** Beside this process's. */
  env?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** What is shown of a failed command's output; by default its last line. */
  linesOfFailure?: number;
  /** Its standard input; by default none. */
  input?: string;
}

/** From SIGTERM to SIGKILL. */
const GRACE_MS = 10_000;

/**
 * Runs a program and resolves with its standard output. In a process group of its own: Ctrl-C is for this process, which
 * then ends the program by `signal`, and settles only when it has ended, so that nothing runs beside what comes next.
 */
export function runCommand(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { env, signal, timeoutMs = 60_000, linesOfFailure = 1, input = "" } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      detached: true,
      stdio: "pipe",
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
    // One that ends without having read it tells why by itself.
    child.stdin.on("error", () => {}).end(input);
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
