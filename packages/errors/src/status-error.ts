import type { Code } from "./code.ts";

/** Which field of a request is wrong, and why (google.rpc.BadRequest.FieldViolation). */
export interface FieldViolation {
  /** Path of the field in the request, such as `items[1].quantity`. */
  field: string;
  /** What is wrong with it, for a person. */
  description: string;
}

/** A packed message: google.protobuf.Any. */
export interface ErrorDetail {
  typeUrl: string;
  value: Uint8Array;
}

export interface StatusErrorOptions {
  /** UPPER_SNAKE_CASE, stable, for programs: goes out as google.rpc.ErrorInfo (AIP-193). */
  reason?: string;
  /** Whose reason it is; by default the called service's package without its version. */
  domain?: string;
  /** Facts that belong to the reason. */
  metadata?: Readonly<Record<string, string>>;
  /** Goes out as google.rpc.BadRequest. */
  violations?: readonly FieldViolation[];
  /** How long to wait before another attempt: goes out as google.rpc.RetryInfo. */
  retryDelayMs?: number;
  /** Further details, packed already. */
  details?: readonly ErrorDetail[];
  /** What lies behind it: for the log, never for the caller. */
  cause?: unknown;
  /** It came from a service that we called. */
  remote?: boolean;
}

/**
 * A gRPC status as an error. Thrown by a handler or a hook it ends the call with this code, message and details; a
 * client rejects with it. The message is for the caller of the call: no secrets, no internals.
 */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: Code;
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryDelayMs: number | undefined;
  readonly details: readonly ErrorDetail[];
  /** It came from a service that we called, so its status is not ours to pass on. */
  readonly remote: boolean;

  constructor(code: Code, message: string, options: StatusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = options.reason;
    this.domain = options.domain;
    this.metadata = options.metadata ?? {};
    this.violations = options.violations ?? [];
    this.retryDelayMs = options.retryDelayMs;
    this.details = options.details ?? [];
    this.remote = options.remote ?? false;
  }
}

const PASSED_ON: Partial<Record<Code, string>> = {
  CANCELLED: "a call that this one depends on was cancelled",
  DEADLINE_EXCEEDED: "a service that this one depends on did not answer in time",
  UNAVAILABLE: "a service that this one depends on is unavailable",
};

/**
 * What a caller is told of an error. Ours is told as it is. Of an error that came from another service only that it was
 * late, cancelled or unavailable: its NOT_FOUND is not our NOT_FOUND unless the code translates it. All else is INTERNAL.
 */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) {
    if (!error.remote) return error;
    const message = PASSED_ON[error.code];
    if (message !== undefined) return new StatusError(error.code, message, { cause: error });
  }
  return new StatusError("INTERNAL", "internal error", { cause: error });
}
