import { create, createRegistry, type JsonObject, toJson } from "@bufbuild/protobuf";
import { type Any, anyPack, DurationSchema, durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Code, type ErrorDetail, StatusError, toCodeNumber } from "@tenon/errors";
import * as rpcv1 from "@tenon/options/google/rpc";
import type { Outcome } from "./http-message.ts";
import { HttpRefusal } from "./http-refusal.ts";

/** The HTTP status of each code, as google/rpc/code.proto says them. 499 is the client's own leaving. */
export const HTTP_STATUS: Readonly<Record<Code, number>> = {
  OK: 200,
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

export interface ErrorResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly outcome: Outcome;
}

/** What a client is told of whatever was thrown. */
export function errorResponse(thrown: unknown, { problem }: { problem: boolean }): ErrorResponse {
  const error = toldError(thrown);
  const refusal = thrown instanceof HttpRefusal ? thrown : undefined;
  const status = refusal?.status ?? HTTP_STATUS[error.code];
  const headers: Record<string, string> = { ...refusal?.headers };
  if (error.retryDelayMs !== undefined)
    headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryDelayMs / 1000)));
  if (status === 401) headers["www-authenticate"] = "Bearer";
  headers["content-type"] = problem ? PROBLEM_JSON : JSON_TYPE;
  const json = statusJson(error);
  const body = JSON.stringify(problem ? toProblem(json, error, status) : json);
  return { status, headers, body, outcome: { error: thrown } };
}

export const JSON_TYPE = "application/json";
export const PROBLEM_JSON = "application/problem+json";

const SILENT: Partial<Record<Code, string>> = {
  UNAVAILABLE: "the service is unavailable",
  DEADLINE_EXCEEDED: "the service did not answer in time",
  CANCELLED: "the call was cancelled",
  INTERNAL: "internal error",
  UNKNOWN: "internal error",
  DATA_LOSS: "internal error",
};

/**
 * The error as it may be told: a backend's own as it is. Of what nobody meant to say (a connection that fails, an error
 * without a reason) not the text, which names addresses and insides.
 */
export function toldError(thrown: unknown): StatusError {
  const error = thrown instanceof HttpRefusal ? thrown.error : thrown;
  if (!(error instanceof StatusError)) return new StatusError("INTERNAL", "internal error", { cause: thrown });
  const silent = error.reason === undefined ? SILENT[error.code] : undefined;
  if (silent === undefined) return error;
  const { retryDelayMs } = error;
  return new StatusError(error.code, silent, { cause: error, ...(retryDelayMs !== undefined && { retryDelayMs }) });
}

/** The code that a client is told of whatever was thrown. */
export const codeOf = (thrown: unknown): Code => toldError(thrown).code;

const details = createRegistry(
  rpcv1.ErrorInfoSchema,
  rpcv1.BadRequestSchema,
  rpcv1.RetryInfoSchema,
  rpcv1.DebugInfoSchema,
  rpcv1.QuotaFailureSchema,
  rpcv1.PreconditionFailureSchema,
  rpcv1.RequestInfoSchema,
  rpcv1.ResourceInfoSchema,
  rpcv1.HelpSchema,
  rpcv1.LocalizedMessageSchema,
);

/** google.rpc.Status in JSON: code, message, and details by their type. */
export function statusJson(error: StatusError): JsonObject {
  const json: JsonObject = { code: toCodeNumber(error.code), message: error.message };
  const all = packedDetails(error);
  if (all.length > 0) json.details = all.map(detailJson);
  return json;
}

/** The details of an error, those that it has as plain fields included. */
export function packedDetails({ reason, domain, metadata, violations, retryDelayMs, details: given }: StatusError) {
  const has = ({ typeName }: { typeName: string }) => given.some(({ typeUrl }) => typeUrl.endsWith(`/${typeName}`));
  const packed: ErrorDetail[] = [];
  if (reason !== undefined && !has(rpcv1.ErrorInfoSchema)) {
    const info = { reason, domain: domain ?? "", metadata: { ...metadata } };
    packed.push(anyPack(rpcv1.ErrorInfoSchema, create(rpcv1.ErrorInfoSchema, info)));
  }
  if (violations.length > 0 && !has(rpcv1.BadRequestSchema)) {
    const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
    packed.push(anyPack(rpcv1.BadRequestSchema, create(rpcv1.BadRequestSchema, { fieldViolations })));
  }
  if (retryDelayMs !== undefined && !has(rpcv1.RetryInfoSchema)) {
    const retryDelay = create(DurationSchema, durationFromMs(Math.max(0, Math.ceil(retryDelayMs))));
    packed.push(anyPack(rpcv1.RetryInfoSchema, create(rpcv1.RetryInfoSchema, { retryDelay })));
  }
  return [...packed, ...given];
}

/** A detail of a type that is not known here keeps its bytes. */
function detailJson(detail: ErrorDetail): JsonObject {
  const status = create(rpcv1.StatusSchema, { details: [detail as Any] });
  try {
    const { details: [json] = [] } = toJson(rpcv1.StatusSchema, status, { registry: details }) as {
      details?: JsonObject[];
    };
    if (json) return json;
  } catch {
    // not known, or not what it says
  }
  return { "@type": detail.typeUrl, value: Buffer.from(detail.value).toString("base64") };
}

/** RFC 9457. The code and the details are extensions of ours. */
function toProblem(json: JsonObject, { code, message, reason }: StatusError, status: number): JsonObject {
  const title = code.charAt(0) + code.slice(1).toLowerCase().replaceAll("_", " ");
  const problem: JsonObject = { type: "about:blank", title, status, detail: message, code };
  if (reason !== undefined) problem.reason = reason;
  if (json.details !== undefined) problem.details = json.details;
  return problem;
}
