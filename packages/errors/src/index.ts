export { CODES, type Code, fromCodeNumber, toCodeNumber } from "./code.ts";
export { StartError } from "./start-error.ts";
export {
  type ErrorDetail,
  type FieldViolation,
  StatusError,
  type StatusErrorOptions,
  toStatusError,
} from "./status-error.ts";
export { systemReason } from "./system-reason.ts";
