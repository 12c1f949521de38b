import type { ServerWritableStream, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { endWith, type NativeService } from "./native-service.ts";

export interface HealthOptions {
  /** Full names of the services whose health is told, besides '' for the server as a whole. */
  services: readonly string[];
  /** Watches at one time; one more is RESOURCE_EXHAUSTED. By default 1000. */
  maxWatches?: number;
}

/** The health of a server (grpc.health.v1). Everything but `live` begins as NOT_SERVING. */
export interface Health {
  readonly native: NativeService;
  /** Tells the health of one service, or of the server for ''. Nothing changes after `shutdown`. */
  set(service: string, serving: boolean): void;
  /** `set` for every service and ''. */
  setAll(serving: boolean): void;
  /** NOT_SERVING for good: tells the watchers, then ends their calls, and every later one, with UNAVAILABLE. */
  shutdown(): void;
}

/** The name that is SERVING until the process ends, whatever its dependencies do: for liveness probes. */
export const LIVE = "live";

/**
 * Check and List are those of grpc-health-check. Watch is ours: there it has no end, so that a server with a watcher
 * never shuts down, keeps a set for each name ever asked, and piles up statuses for a watcher that does not read.
 */
export function createHealth({ services, maxWatches = 1000 }: HealthOptions): Health {
  const names = ["", ...services];
  const statuses = new Map<string, ServingStatus>(names.map((name) => [name, "NOT_SERVING"]));
  statuses.set(LIVE, "SERVING");
  const checks = new HealthImplementation(Object.fromEntries(statuses));
  const watches = new Set<Watch>();
  let over = false;

  function watch(stream: WatchStream): void {
    if (over) {
      endWith(stream, "UNAVAILABLE", "the server shuts down");
      return;
    }
    if (watches.size >= maxWatches) {
      endWith(stream, "RESOURCE_EXHAUSTED", "too many health watches");
      return;
    }
    const { service } = stream.request;
    const one = createWatch(stream, service);
    watches.add(one);
    // Every end of the call is a 'cancelled' to grpc-js, also a good one.
    stream.once("cancelled", () => watches.delete(one));
    one.tell(statuses.get(service) ?? "SERVICE_UNKNOWN");
  }

  function tell(service: string, status: ServingStatus): void {
    statuses.set(service, status);
    checks.setStatus(service, status);
    for (const each of watches) if (each.service === service) each.tell(status);
  }

  const health: Health = {
    native: toNative(checks, watch),
    set(service, serving) {
      if (!over) tell(service, serving ? "SERVING" : "NOT_SERVING");
    },
    setAll(serving) {
      for (const name of names) health.set(name, serving);
    },
    shutdown() {
      health.setAll(false);
      over = true;
      for (const each of watches) endWith(each.stream, "UNAVAILABLE", "the server shuts down");
      watches.clear();
    },
  };
  return health;
}

type ServingStatus = "SERVING" | "NOT_SERVING";
type WatchStatus = ServingStatus | "SERVICE_UNKNOWN";
type WatchStream = ServerWritableStream<{ service: string }, { status: WatchStatus }>;

interface Watch {
  readonly service: string;
  readonly stream: WatchStream;
  tell(status: WatchStatus): void;
}

/** Writes each change once. For a client that does not read only the latest is kept. */
function createWatch(stream: WatchStream, service: string): Watch {
  let told: WatchStatus | undefined;
  let next: WatchStatus | undefined;
  const flush = () => {
    if (next === undefined || next === told || stream.writableNeedDrain) return;
    told = next;
    if (!stream.write({ status: told })) stream.once("drain", flush);
  };
  return {
    service,
    stream,
    tell(status) {
      next = status;
      flush();
    },
  };
}

/** The package hands its definition and handlers to whatever has an `addService`. */
function toNative(checks: HealthImplementation, watch: (stream: WatchStream) => void): NativeService {
  let native: NativeService | undefined;
  checks.addToServer({
    addService(definition, implementation) {
      native = {
        definition: definition as unknown as ServiceDefinition,
        implementation: { ...(implementation as unknown as UntypedServiceImplementation), watch },
      };
    },
  });
  return native as NativeService;
}
