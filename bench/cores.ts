import { readFileSync } from "node:fs";

/** Where server and load run, so that neither takes the other's time. */
export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** The first and the last core that this process may use. Throws one clear line where there is no second. */
export function chooseCores(): Cores {
  const allowed = allowedCores(readFileSync("/proc/self/status", "utf8"));
  const [server, load] = [allowed[0], allowed.at(-1)];
  if (server === undefined || load === undefined || server === load) {
    throw new Error("this bench needs two cores: one for the server, one for the load");
  }
  return { server, load };
}

/** `Cpus_allowed_list` of /proc/<pid>/status, such as `0-2,5`. */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (match === null) throw new Error(`not a list of cores: ${list}`);
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
