import { durationMs } from "@bufbuild/protobuf/wkt";
import * as processorv1 from "@tenon/contracts/processor/v1";
import { type Implementation, implement } from "@tenon/grpc";
import type { FaultPlan } from "./faults.ts";

/** How late a late success is where nothing else is said: past the deadline of payment's calls. */
const LATE_BY_MS = 5000;

export function createFaultHandler({ plan }: { plan: FaultPlan }): Implementation {
  return implement(processorv1.FaultService, {
    async setFaults({ faults }) {
      plan.set(
        faults && {
          seed: faults.seed,
          delayMs: faults.delay ? durationMs(faults.delay) : 0,
          errorRate: faults.errorRate,
          timeoutRate: faults.timeoutRate,
          lateRate: faults.lateRate,
          lateByMs: faults.lateBy ? durationMs(faults.lateBy) : LATE_BY_MS,
          duplicateCallbackRate: faults.duplicateCallbackRate,
        },
      );
      return { ...(faults && { faults }) };
    },
  });
}
