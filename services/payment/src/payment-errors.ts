import { StatusError } from "@tenon/errors";

export const paymentNotFound = () =>
  new StatusError("NOT_FOUND", "there is no such payment", { reason: "PAYMENT_NOT_FOUND" });

export const notAllowed = () =>
  new StatusError("PERMISSION_DENIED", "this payment is not yours to see", { reason: "NOT_ALLOWED" });

export const stateConflict = (message: string) =>
  new StatusError("FAILED_PRECONDITION", message, { reason: "PAYMENT_STATE_CONFLICT" });

export const declined = (declineReason: string) =>
  new StatusError("FAILED_PRECONDITION", "the payment was declined", {
    reason: "PAYMENT_DECLINED",
    metadata: { decline_reason: declineReason },
  });

export const exceedsCaptured = () =>
  new StatusError("FAILED_PRECONDITION", "less than this amount is left to refund", {
    reason: "AMOUNT_EXCEEDS_CAPTURED",
  });

export const currencyMismatch = (currency: string) =>
  new StatusError("INVALID_ARGUMENT", `amount must be in ${currency}`, {
    reason: "CURRENCY_MISMATCH",
    violations: [{ field: "amount.currency_code", description: `must be ${currency}` }],
  });

export const notPositive = () =>
  new StatusError("INVALID_ARGUMENT", "amount must be above zero", {
    reason: "VALIDATION_FAILED",
    violations: [{ field: "amount", description: "must be above zero" }],
  });

export const requestIdReused = () =>
  new StatusError("ALREADY_EXISTS", "the request_id belongs to another request", { reason: "REQUEST_ID_REUSED" });
