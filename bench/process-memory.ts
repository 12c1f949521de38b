import { readFileSync } from "node:fs";

/** What a process has in memory, in MiB. Linux only. */
export interface ProcessMemory {
  /** Its own: heaps, buffers, stacks. What counts against a container's limit and cannot be taken back. */
  readonly own: number;
  /** With pages of files, of which Node's program is the most: every process that runs the same program shares them. */
  readonly resident: number;
}

export const memoryOf = (pid: number): ProcessMemory => parseMemory(readFileSync(`/proc/${pid}/status`, "utf8"));

/** RssAnon and VmRSS of /proc/<pid>/status, proc_pid_status(5). */
export function parseMemory(status: string): ProcessMemory {
  const read = (field: string) => {
    const [, kiB] = new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(status) ?? [];
    if (kiB === undefined) throw new Error(`/proc/<pid>/status has no ${field}`);
    return Number(kiB) / 1024;
  };
  return { own: read("RssAnon"), resident: read("VmRSS") };
}
