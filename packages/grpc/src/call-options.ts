import type { Metadata } from "./metadata.ts";

export interface CallOptions {
  /** Cancels the call. */
  signal?: AbortSignal | undefined;
  /** Deadline from now, in milliseconds; none by default. At most 24 days, which longer ones become. */
  timeoutMs?: number | undefined;
  metadata?: Metadata | undefined;
  onHeaders?: ((headers: Metadata) => void) | undefined;
  onTrailers?: ((trailers: Metadata) => void) | undefined;
}
