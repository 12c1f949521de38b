import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { h2loadArguments, readH2load } from "./h2load.ts";
import type { LoadTls, Wire } from "./one-call.ts";

/** So many calls, over so many connections, so many at once on each. */
export interface LoadOrder {
  readonly wire: Wire;
  readonly port: number;
  readonly path: string;
  /** The file with the body of each call. */
  readonly bodyFile: string;
  readonly token: string;
  readonly connections: number;
  readonly streams: number;
  readonly calls: number;
  /** By default in the clear. */
  readonly tls?: LoadTls | undefined;
}

export interface LoadResult {
  readonly succeeded: number;
  /** Bytes of all answers, without headers and framing of the connection. */
  readonly bodyBytes: number;
  readonly seconds: number;
}

/** What makes the calls, in a process of its own on a core of its own. */
export interface LoadGenerator {
  readonly name: string;
  run(order: LoadOrder): Promise<LoadResult>;
}

const DEADLINE_MS = 120_000;
const ownLoad = join(import.meta.dirname, "own-load.ts");

/**
 * h2load where it is installed, else a client of our own. One or the other for all servers: ghz, which speaks gRPC only,
 * could not load the JSON servers, and costs more than most servers do. `ownOnly`: ours in any case, which shows a certificate.
 */
export function findLoadGenerator(core: number, { ownOnly = false } = {}): LoadGenerator {
  const run = async (command: readonly string[]): Promise<string> => {
    const args = ["-c", `${core}`, ...command];
    const { stdout } = await promisify(execFile)("taskset", args, { timeout: DEADLINE_MS, killSignal: "SIGKILL" });
    return stdout;
  };
  const { stdout, status } = spawnSync("h2load", ["--version"], { encoding: "utf8" });
  if (status === 0 && !ownOnly) {
    return { name: stdout.trim(), run: async (order) => readH2load(await run(["h2load", ...h2loadArguments(order)])) };
  }
  return {
    name: `a client of our own on node:http2 and node:http in a second process${ownOnly ? "" : " (h2load is not installed)"}`,
    run: async (order) => JSON.parse(await run([process.execPath, ownLoad, JSON.stringify(order)])),
  };
}
