import { type Code, StatusError } from "@tenon/errors";

/** How a request ended for good: the bytes of its response, or its failure. */
export type Outcome = { readonly response: Uint8Array } | { readonly failure: StatusError };

/**
 * Failures that are answers: the rules looked at the request and the state, and said no. A repetition gets the same no,
 * whatever has changed since; who wants another answer asks anew, under a new request id.
 *
 * All others leave no trace. INVALID_ARGUMENT and OUT_OF_RANGE: the request itself was wrong, its id may be used again
 * with a corrected one. UNAUTHENTICATED, RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED: not now.
 * INTERNAL, UNKNOWN, DATA_LOSS, UNIMPLEMENTED: a defect, which may be mended by the next attempt.
 */
const DEFINITIVE: ReadonlySet<Code> = new Set([
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "FAILED_PRECONDITION",
]);

/** A failure of ours, not of a service that we called: that one must be translated first, or it is no answer of ours. */
export const isDefinitive = (error: unknown): error is StatusError =>
  error instanceof StatusError && !error.remote && DEFINITIVE.has(error.code);

/** A failure as text, complete but for its cause. */
export function failureToText(failure: StatusError): string {
  const { code, message, reason, domain, metadata, violations, retryDelayMs, details } = failure;
  const packed = details.map(({ typeUrl, value }) => ({ typeUrl, value: Buffer.from(value).toString("base64") }));
  return JSON.stringify({ code, message, reason, domain, metadata, violations, retryDelayMs, details: packed });
}

export function failureFromText(text: string): StatusError {
  const { code, message, details, ...options } = JSON.parse(text) as StoredFailure;
  return new StatusError(code, message, {
    ...options,
    details: details.map(({ typeUrl, value }) => ({ typeUrl, value: Buffer.from(value, "base64") })),
  });
}

interface StoredFailure {
  code: Code;
  message: string;
  reason?: string;
  domain?: string;
  metadata: Record<string, string>;
  violations: { field: string; description: string }[];
  retryDelayMs?: number;
  details: { typeUrl: string; value: string }[];
}
