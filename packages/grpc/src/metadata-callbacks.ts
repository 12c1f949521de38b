import { StatusError } from "@tenon/errors";
import type { CallOptions } from "./call-options.ts";
import type { ClientCall } from "./client-call.ts";
import type { Metadata } from "./metadata.ts";

// Callbacks of a caller run within grpc-js, where what they throw would end the process or leave the call without an end.

/** What `onHeaders` throws ends the call. */
export function tellHeaders({ onHeaders }: CallOptions, call: ClientCall, headers: Metadata): void {
  try {
    onHeaders?.(headers);
  } catch (error) {
    call.abort(error);
  }
}

/** What `onTrailers` throws is the end of a call that had ended well. */
export function tellTrailers({ onTrailers }: CallOptions, call: ClientCall): StatusError | undefined {
  try {
    onTrailers?.(call.trailers);
    return undefined;
  } catch (cause) {
    return new StatusError("INTERNAL", "internal error", { cause });
  }
}
