import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cores } from "./cores.ts";
import { cpuSecondsOf } from "./cpu-time.ts";
import type { LoadGenerator, LoadOrder } from "./load.ts";
import { connectTo } from "./one-call.ts";
import { type PeerProcess, startPeer } from "./peer-process.ts";
import type { Peer } from "./server-peers.ts";
import type { Sample } from "./statistics.ts";
import type { Workload } from "./workloads.ts";

export interface MeasurementOptions {
  workloads: readonly Workload[];
  generator: LoadGenerator;
  cores: Cores;
  token: string;
  /** How much CPU each server spends on each workload before it is measured, so that its code is compiled, and while it is. */
  warmUpCpuSeconds: number;
  cpuSeconds: number;
}

/** Measures servers, each in a new process, with the same load. */
export interface Measurement {
  measure(peer: Peer, round: number): Promise<Sample[]>;
  close(): void;
}

/** Less than the least that any server spends: CPU time is told in steps of 10 ms, and the first calls may take none. */
const LEAST_CPU_A_CALL = 2e-6;

export function createMeasurement(options: MeasurementOptions): Measurement {
  const { workloads, generator, cores, token, warmUpCpuSeconds, cpuSeconds } = options;
  const folder = mkdtempSync(join(tmpdir(), "tenon-bench-"));
  for (const { name, grpc, json } of workloads) {
    writeFileSync(join(folder, `${name}.grpc`), grpc.body);
    writeFileSync(join(folder, `${name}.json`), json.body);
  }

  async function measureOne(process: PeerProcess, { wire, tls }: Peer, workload: Workload) {
    const { name, connections, streams, messages } = workload;
    const { path } = workload[wire];
    const bytesPerCall = await bytesOfAnswer(process.port, { wire, tls }, workload);
    const bodyFile = join(folder, `${name}.${wire}`);

    async function load(calls: number) {
      const before = cpuSecondsOf(process.pid);
      const order = { wire, port: process.port, path, bodyFile, token, connections, streams, calls, tls };
      const { succeeded, bodyBytes, seconds } = await generator.run(order);
      const cpuSeconds = cpuSecondsOf(process.pid) - before;
      // The load looks at no message: a status in trailers is an answer too, but a shorter one.
      const expected = calls * bytesPerCall;
      if (succeeded !== calls || bodyBytes !== expected) {
        throw new Error(`${path}: ${succeeded} of ${calls} calls answered, with ${bodyBytes} bytes, not ${expected}`);
      }
      return { cpuSeconds, perCall: cpuSeconds / calls, perSecond: calls / seconds };
    }
    const callsFor = (cpuSeconds: number, perCall: number) =>
      Math.max(connections * streams, Math.ceil(cpuSeconds / Math.max(perCall, LEAST_CPU_A_CALL)));

    let { cpuSeconds: warm, perCall } = await load(connections * streams * 5);
    while (warm < warmUpCpuSeconds) {
      const step = await load(callsFor(warmUpCpuSeconds / 4, perCall));
      warm += Math.max(step.cpuSeconds, warmUpCpuSeconds / 20);
      perCall = step.perCall;
    }
    const measured = await load(callsFor(cpuSeconds, perCall));
    return { cpuUs: (measured.perCall * 1e6) / messages, perSecond: measured.perSecond * messages };
  }

  /** Shows that the server does the work, and how long its answer is. */
  async function bytesOfAnswer(
    port: number,
    { wire, tls }: Pick<LoadOrder, "wire" | "tls">,
    workload: Workload,
  ): Promise<number> {
    const { path, body, accepts } = workload[wire];
    const connection = connectTo({ wire, port, token, tls });
    try {
      const answer = await connection.call(path, body);
      if (!accepts(answer)) throw new Error(`${path} answers something else than the others`);
      return answer.length;
    } finally {
      connection.close();
    }
  }

  return {
    async measure(peer, round) {
      const process = await startPeer(peer.command, cores.server);
      try {
        const samples: Sample[] = [];
        for (const workload of workloads) {
          const figures = await measureOne(process, peer, workload);
          samples.push({ peer: peer.name, workload: workload.name, round, ...figures });
        }
        return samples;
      } catch (cause) {
        throw new Error(`${peer.name} failed`, { cause });
      } finally {
        await process.stop();
      }
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
