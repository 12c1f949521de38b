import { getOption } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { StatusError } from "@tenon/errors";
import type { Interceptor } from "@tenon/grpc";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import { assertOptions } from "./option-range.ts";
import { perMethod } from "./per-method.ts";

export interface DeadlineOptions {
  /** For calls with one response whose contract names no timeout; by default 10 s. */
  unaryMs?: number;
  /** For calls with a stream of responses whose contract names no timeout; by default one hour. */
  streamMs?: number;
  /** Timeouts in milliseconds of methods without a descriptor of ours, by path or by service. */
  timeouts?: Readonly<Record<string, number>>;
}

/**
 * Gives every call a deadline: where the caller named none, the contract's (`tenon.options.v1.method`, `timeout`), else
 * by kind. A server does so too, for callers of other make. A call that comes too late is refused: DEADLINE_EXCEEDED.
 */
export function deadline(options: DeadlineOptions = {}): Interceptor {
  const { unaryMs = 10_000, streamMs = 3_600_000, timeouts = {} } = options;
  assertOptions("deadline", { unaryMs, streamMs, ...timeouts });
  const timeoutMsOf = perMethod(({ desc, responseStream, path, service }) => {
    const given = timeouts[path] ?? timeouts[service];
    if (given !== undefined) return given;
    const declared = desc === undefined ? undefined : getOption(desc, optionsv1.method).timeout;
    if (declared !== undefined) return durationMs(declared);
    return responseStream ? streamMs : unaryMs;
  });
  return function deadline(call) {
    return {
      onStart() {
        const now = Date.now();
        if (call.deadline === Number.POSITIVE_INFINITY) call.deadline = now + timeoutMsOf(call.method);
        if (call.deadline <= now) throw new StatusError("DEADLINE_EXCEEDED", "no time is left for this call");
      },
    };
  };
}
