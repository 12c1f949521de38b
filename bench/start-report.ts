import { table } from "./bench-report.ts";
import type { Machine } from "./machine.ts";
import type { ProcessMemory } from "./process-memory.ts";
import { median } from "./statistics.ts";

/** One start of one service. */
export interface Start {
  readonly service: string;
  /** From the start of its process until its /readyz says that it takes calls. */
  readonly readyMs: number;
  readonly cpuMs: number;
  /** When nobody has called it for a while. */
  readonly memory: ProcessMemory;
}

export interface StartResults {
  readonly at: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly rounds: number;
  readonly idleSeconds: number;
  readonly services: readonly ServiceStart[];
}

/** The medians of a service's starts. */
export interface ServiceStart extends Start {
  readonly met: boolean;
}

export const READY_MOST_MS = 1500;
export const OWN_MOST_MIB = 110;

export function judgeStarts(starts: readonly Start[]): ServiceStart[] {
  return [...Map.groupBy(starts, ({ service }) => service)].map(([service, all]) => {
    const figure = (of: (start: Start) => number) => median(all.map(of));
    const memory = { own: figure((one) => one.memory.own), resident: figure((one) => one.memory.resident) };
    const readyMs = figure((one) => one.readyMs);
    const met = readyMs <= READY_MOST_MS && memory.own <= OWN_MOST_MIB;
    return { service, readyMs, cpuMs: figure((one) => one.cpuMs), memory, met };
  });
}

export function toStartMarkdown({ at, quick, machine, rounds, idleSeconds, services }: StartResults): string {
  const rows = services.map(({ service, readyMs, cpuMs, memory, met }) => [
    service,
    ...[readyMs, cpuMs, memory.own, memory.resident].map((figure) => figure.toFixed(0)),
    met ? "met" : "MISSED",
  ]);
  return [
    "# Starts: until a service is ready, and what it takes while nobody calls",
    "",
    `The aim is ${READY_MOST_MS} ms until /readyz says that it takes calls, and ${OWN_MOST_MIB} MiB of its own when it has been idle for ${idleSeconds} s.`,
    "",
    ...table(["Service", "ready: ms", "CPU: ms", "own: MiB", "resident: MiB", "Aim"], rows),
    "",
    ...(quick ? ["- A quick run: it shows that all is there, not how fast it is."] : []),
    "- As in its image: `node src/main.ts`, NODE_ENV=production, compiled code cached by an earlier start, a heap as in a container of",
    "  384 MiB, a database that has its tables. One is started after the other, and those before run on.",
    "- CPU is that of all its threads until it is ready. Own is what it shares with nobody (RssAnon); resident has Node's program too,",
    "  which all of them share (VmRSS).",
    `- Medians of ${rounds} starts.`,
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}; load average ${machine.loadAverage.toFixed(1)} at the start.`,
    `- Versions: tenon ${machine.versions.tenon}, node ${machine.versions.node}.`,
    `- ${at}`,
    "",
  ].join("\n");
}
