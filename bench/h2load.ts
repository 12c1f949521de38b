import type { LoadOrder, LoadResult } from "./load.ts";
import { headersOf } from "./one-call.ts";

export function h2loadArguments(order: LoadOrder): string[] {
  const { wire, port, path, bodyFile, token, connections, streams, calls } = order;
  // HTTP/1.1 carries one call at a time, so as many are under way at once by more connections.
  const shape =
    wire === "json" ? ["--h1", "-c", `${connections * streams}`] : ["-c", `${connections}`, "-m", `${streams}`];
  const headers = Object.entries(headersOf(wire, token)).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  return [...shape, "-t", "1", "-n", `${calls}`, "-d", bodyFile, ...headers, `http://127.0.0.1:${port}${path}`];
}

const SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60 };

/** Reads what h2load prints at its end. Throws where that is not all there: a figure that was misread would pass unseen. */
export function readH2load(output: string): LoadResult {
  const find = (pattern: RegExp): readonly string[] => {
    const match = pattern.exec(output);
    if (match === null) throw new Error(`h2load did not print ${pattern}:\n${output}`);
    return match;
  };
  const [, time, unit = ""] = find(/^finished in ([\d.]+)(us|ms|s|m),/m);
  const [, succeeded] = find(/^status codes: (\d+) 2xx,/m);
  const [, bodyBytes] = find(/^traffic: .*, [\d.]+\w+ \((\d+)\) data$/m);
  return {
    succeeded: Number(succeeded),
    bodyBytes: Number(bodyBytes),
    seconds: Number(time) * (SECONDS[unit] ?? Number.NaN),
  };
}
