import { getOption } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import type { Registry } from "prom-client";
import { HEALTH, REFLECTION } from "../infrastructure.ts";
import { assertOptions } from "../option-range.ts";
import { perMethod } from "../per-method.ts";
import { createAdaptiveLimit } from "./adaptive-limit.ts";
import { createAdmission, type Priority } from "./admission.ts";
import { sheddingMetrics } from "./shedding-metrics.ts";

export interface LoadSheddingOptions {
  /** How many calls may run at once before anything is known; by default 50, within the bounds. */
  initialLimit?: number;
  /** The limit never goes below; by default 5. */
  minLimit?: number;
  /** The limit never goes above; by default 1,000. */
  maxLimit?: number;
  /** How many calls may wait; by default 100. */
  maxQueue?: number;
  /** How long a call may wait; by default 100 ms. */
  maxWaitMs?: number;
  /** Priorities of methods without a descriptor of ours; by default `normal`. */
  priorityOf?: (method: Method) => Priority | undefined;
  /** Where `grpc_server_concurrency_limit`, `..._in_flight`, `..._queued` and `grpc_server_shed_total` are shown. */
  registry?: Registry;
  nowMs?: () => number;
  schedule?: (work: () => void, delayMs: number) => () => void;
  random?: () => number;
}

/**
 * Lets a server do as much at once as it can without delay, and refuses the rest at once, before anything is spent on it:
 * RESOURCE_EXHAUSTED with reason OVERLOADED and when to come again. How much that is, it learns from how long calls take
 * (see `createAdaptiveLimit`). Calls of a higher priority in the contract go first and may fill what lower ones may not; a
 * short queue evens out bursts, and a call whose deadline would pass before it is done is not kept waiting.
 *
 * Streams may last for hours, so they take no room, but are refused while there is none for their priority. Health and
 * reflection are never refused. Handlers that keep the CPU busy without ever awaiting are not seen.
 */
export function loadShedding(options: LoadSheddingOptions = {}): Interceptor {
  const { maxLimit = 1000, maxQueue = 100, maxWaitMs = 100, registry } = options;
  const { minLimit = Math.min(5, maxLimit), initialLimit = Math.min(Math.max(50, minLimit), maxLimit) } = options;
  const { nowMs = () => performance.now(), schedule = onTimer, random = Math.random } = options;
  assertOptions("loadShedding", { maxLimit }, { max: 1_000_000, integer: true });
  assertOptions("loadShedding", { minLimit }, { max: maxLimit, integer: true });
  assertOptions("loadShedding", { initialLimit }, { min: minLimit, max: maxLimit, integer: true });
  assertOptions("loadShedding", { maxQueue }, { min: 0, max: 1_000_000, integer: true });
  assertOptions("loadShedding", { maxWaitMs }, { max: 60_000 });
  const adaptive = createAdaptiveLimit({ initialLimit, minLimit, maxLimit, nowMs });
  const admission = createAdmission({ limit: () => adaptive.limit, maxQueue, nowMs, schedule });
  const rankOf = perMethod((method) => options.priorityOf?.(method) ?? priorityOf(method));
  const counters = registry && sheddingMetrics(registry, adaptive, admission);
  let refusals = 0;

  function refuse(priority: Priority): StatusError {
    refusals += 1;
    counters?.refused(priority);
    // Not all at once.
    const retryDelayMs = 500 + random() * 1000;
    return new StatusError("RESOURCE_EXHAUSTED", "overloaded; try again later", { reason: "OVERLOADED", retryDelayMs });
  }

  return function loadShedding(call) {
    const { method } = call;
    if (call.side === "client" || isInfrastructure(method)) return NO_HOOKS;
    const priority = rankOf(method);
    if (method.requestStream || method.responseStream) {
      return {
        onStart() {
          if (!admission.hasRoom(priority)) throw refuse(priority);
        },
      };
    }
    let startedMs = 0;
    let inFlight = 0;
    let refusalsBefore = 0;
    const begin = () => {
      startedMs = nowMs();
      inFlight = admission.inFlight;
      refusalsBefore = refusals;
    };
    return {
      onStart() {
        const leftMs = call.deadline - Date.now() - adaptive.expectedMs(method);
        const entry = admission.enter(priority, nowMs() + Math.min(maxWaitMs, leftMs));
        if (entry === true) return begin();
        if (entry === false) throw refuse(priority);
        call.signal.addEventListener("abort", entry.cancel, { once: true });
        return entry.admitted.then((admitted) => {
          call.signal.removeEventListener("abort", entry.cancel);
          if (!admitted) throw call.status ? call.signal.reason : refuse(priority); // who left was not refused
          begin();
        });
      },
      onEnd({ code }) {
        // Others have failed before they were done, and quickly.
        if (code === "OK" || code === "DEADLINE_EXCEEDED") {
          const limited = refusals > refusalsBefore || admission.queued > 0;
          adaptive.observe(method, nowMs() - startedMs, { inFlight, limited });
        }
        admission.leave();
      },
    };
  };
}

const isInfrastructure = ({ service }: Method): boolean =>
  service === HEALTH || (REFLECTION as readonly string[]).includes(service);

/** As the contract declares it (`tenon.options.v1.method`, `priority`). */
function priorityOf({ desc }: Method): Priority {
  if (desc === undefined) return "normal";
  switch (getOption(desc, optionsv1.method).priority) {
    case optionsv1.Priority.LOW:
      return "low";
    case optionsv1.Priority.HIGH:
      return "high";
    default:
      return "normal";
  }
}

function onTimer(work: () => void, delayMs: number): () => void {
  const timer = setTimeout(work, delayMs);
  return () => clearTimeout(timer);
}
