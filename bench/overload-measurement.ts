import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { chooseCores } from "./cores.ts";
import type { CallOutcome, LoadPlan } from "./open-load.ts";
import { type OverloadRun, type Phase, toOverloadRun } from "./overload-run.ts";
import { startPeer } from "./peer-process.ts";

export interface OverloadMeasurementOptions {
  readonly name: string;
  readonly phases: readonly Phase[];
  /** The index of the phase that is too much; what follows it shows the recovery. */
  readonly overload: number;
  /** Whether the server sheds load. */
  readonly isShedding: boolean;
  /** For so many calls at once the server has what they need; by default 4. */
  readonly connections?: number;
  /** Goes on beside the load, on the server's port, until that is over. */
  readonly beside?: (port: number, over: AbortSignal) => Promise<void>;
}

/** Four connections of 10 ms: little beside what the server's core could do, so that it is the work that is scarce. */
export const NOMINAL_PER_SECOND = 400;
const DEADLINE_MS = 1000;

/** One server of its own process under a load of another's, phase by phase. */
export async function measureOverload(options: OverloadMeasurementOptions): Promise<OverloadRun> {
  const { name, phases, overload, isShedding, connections = 4, beside } = options;
  const cores = chooseCores();
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const key = { ...publicKey.export({ format: "jwk" }), kid: "order" };
  const peer = join(import.meta.dirname, "peers/overload-peer.ts");
  const server = await startPeer(
    [
      ...[process.execPath, peer, `--key=${JSON.stringify(key)}`, `--connections=${connections}`],
      ...(isShedding ? ["--shedding"] : []),
    ],
    cores.server,
  );
  const over = new AbortController();
  const besides = beside?.(server.port, over.signal);
  try {
    const plan: LoadPlan = {
      port: server.port,
      key: privateKey.export({ format: "jwk" }),
      phases,
      deadlineMs: DEADLINE_MS,
    };
    const load = [process.execPath, join(import.meta.dirname, "open-load.ts"), JSON.stringify(plan)];
    const { stdout } = await promisify(execFile)("taskset", ["-c", `${cores.load}`, ...load], { maxBuffer: 2 ** 28 });
    return toOverloadRun(name, phases, JSON.parse(stdout) as CallOutcome[], overload + 1);
  } finally {
    over.abort();
    await besides;
    await server.stop();
  }
}
