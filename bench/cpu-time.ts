import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** CPU seconds that a process has used until now, user and system, all threads. Linux only; exact to a clock tick (10 ms). */
export const cpuSecondsOf = (pid: number): number =>
  cpuTicks(readFileSync(`/proc/${pid}/stat`, "utf8")) / ticksPerSecond();

let ticks: number | undefined;
function ticksPerSecond(): number {
  ticks ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return ticks;
}

/** utime and stime of /proc/<pid>/stat, proc_pid_stat(5). The program's name, in brackets, may hold spaces and brackets. */
export function cpuTicks(stat: string): number {
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  if (utime === undefined || stime === undefined || !Number.isInteger(utime + stime)) {
    throw new Error(`not a line of /proc/<pid>/stat: ${stat}`);
  }
  return utime + stime;
}
