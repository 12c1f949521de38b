import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack, anyUnpack, DurationSchema, durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import { type ErrorDetail, fromCodeNumber, StatusError, toCodeNumber } from "@tenon/errors";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema, StatusSchema } from "@tenon/options/google/rpc";
import { createMetadata, type Metadata } from "./metadata.ts";
import type { WireStatus } from "./transport.ts";

const DETAILS_KEY = "grpc-status-details-bin";
/** Above this the details are dropped: a header block that is too large would cost the caller the whole status. */
const MAX_DETAILS_BYTES = 8 * 1024;
const MAX_MESSAGE_CHARACTERS = 2048;

/** What goes out for an error. `service` (`order.v1.OrderService`) gives the domain of its reason: `order`. */
export function toWireStatus(error: StatusError, service: string): WireStatus {
  const details = packDetails(error, service);
  const message = error.message.slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed();
  const code = toCodeNumber(error.code);
  if (details.length === 0) return { code, details: message, metadata: null };
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details: details as Any[] }));
  const metadata = bytes.byteLength > MAX_DETAILS_BYTES ? null : createMetadata({ [DETAILS_KEY]: Buffer.from(bytes) });
  return { code, details: message, metadata };
}

function packDetails(error: StatusError, service: string): ErrorDetail[] {
  const { reason, metadata, violations, retryDelayMs } = error;
  const details: ErrorDetail[] = [];
  if (reason !== undefined) {
    const domain = error.domain ?? service.replace(/\.v\d\w*\..*$|\.[^.]*$/, "");
    details.push(anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain, metadata: { ...metadata } })));
  }
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (retryDelayMs !== undefined) {
    const retryDelay = create(DurationSchema, durationFromMs(Math.max(0, Math.ceil(retryDelayMs))));
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  return [...details, ...error.details];
}

/** The error of a status that came in, with what its standard details say. */
export function fromWireStatus(status: WireStatus, options: { cause?: unknown } = {}): StatusError {
  const details = unpackDetails(status.metadata);
  const info = find(details, ErrorInfoSchema);
  const violations = find(details, BadRequestSchema)?.fieldViolations ?? [];
  const retryDelay = find(details, RetryInfoSchema)?.retryDelay;
  return new StatusError(fromCodeNumber(status.code), status.details, {
    remote: true,
    details,
    violations: violations.map(({ field, description }) => ({ field, description })),
    ...(info && { reason: info.reason, domain: info.domain, metadata: info.metadata }),
    ...(retryDelay && { retryDelayMs: durationMs(retryDelay) }),
    ...options,
  });
}

function find<D extends typeof ErrorInfoSchema | typeof BadRequestSchema | typeof RetryInfoSchema>(
  details: readonly Any[],
  desc: D,
) {
  for (const detail of details) {
    try {
      const message = anyUnpack<D>(detail, desc);
      if (message !== undefined) return message;
    } catch {
      // a detail that does not decode is no reason to lose the status
    }
  }
  return undefined;
}

function unpackDetails(metadata: Metadata | null | undefined): Any[] {
  const value = metadata?.get(DETAILS_KEY)[0];
  if (!(value instanceof Uint8Array)) return [];
  try {
    return fromBinary(StatusSchema, value).details;
  } catch {
    return [];
  }
}
