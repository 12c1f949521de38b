import type { Metadata } from "./metadata.ts";

export interface CallOptions {
  /** Cancels the call. */
  signal?: AbortSignal | undefined;
  /** Deadline from now, in milliseconds; none by default. At most 24 days, which longer ones become. */
  timeoutMs?: number | undefined;
  metadata?: Metadata | undefined;
  /** Hears of the response's headers. What it throws ends the call with INTERNAL, as its cause. */
  onHeaders?: ((headers: Metadata) => void) | undefined;
  /** Hears of the trailers, before the call is answered. What it throws makes a call that ended well fail with INTERNAL. */
  onTrailers?: ((trailers: Metadata) => void) | undefined;
}
