import { Counter, Gauge, type Registry } from "prom-client";
import type { AdaptiveLimit } from "./adaptive-limit.ts";
import { type Admission, PRIORITIES, type Priority } from "./admission.ts";

/** Shows what one `loadShedding` does; a registry has room for one. */
export function sheddingMetrics(registry: Registry, adaptive: AdaptiveLimit, admission: Admission) {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `grpc_server_concurrency_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("limit", "How many calls may run at once.", () => adaptive.limit);
  gauge("in_flight", "How many calls run, those with streams left out.", () => admission.inFlight);
  gauge("queued", "How many calls wait to run.", () => admission.queued);
  const shed = new Counter({
    name: "grpc_server_shed_total",
    help: "Calls refused because of overload, by their priority.",
    labelNames: ["priority"],
    registers: [registry],
  });
  for (const priority of PRIORITIES) shed.inc({ priority }, 0);
  return { refused: (priority: Priority) => shed.inc({ priority }) };
}
