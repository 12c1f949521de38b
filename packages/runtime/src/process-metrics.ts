import { collectDefaultMetrics, Registry } from "prom-client";

let shared: Registry | undefined;

/** Memory, CPU, event loop and garbage collection: measured once for a process, however many services run in it. */
export function processMetrics(): Registry {
  if (shared === undefined) {
    shared = new Registry();
    collectDefaultMetrics({ register: shared });
  }
  return shared;
}
