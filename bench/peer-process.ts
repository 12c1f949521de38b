import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A server that runs, alone on its core. */
export interface PeerProcess {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

const START_MS = 60_000;
const STOP_MS = 5_000;

/** Starts a server, a program that prints its port and lives as long as its standard input. Rejects where it does not. */
export async function startPeer(command: readonly string[], core: number): Promise<PeerProcess> {
  // taskset and env become the program, so its pid is the child's.
  const program = ["-c", `${core}`, "env", "NODE_ENV=production", ...command];
  const child = spawn("taskset", program, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {}); // it has ended first
  const exited = once(child, "exit");
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line", { signal: AbortSignal.timeout(START_MS) }),
    exited.then(() => []),
  ]).catch((cause: unknown) => {
    child.kill("SIGKILL");
    throw new Error(`${command.join(" ")} did not start`, { cause });
  });
  const port = Number(line);
  if (child.pid === undefined || !Number.isInteger(port)) throw new Error(`${command.join(" ")} did not start`);
  return {
    pid: child.pid,
    port,
    async stop() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
