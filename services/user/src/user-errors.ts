import { StatusError } from "@tenon/errors";
import type { Access } from "./user.ts";

/**
 * No such user among those that the caller reaches. Who reaches only their own account is told the same whether the other exists
 * or not (AIP-211), so that ids cannot be probed.
 */
export const noSuchUser = (access: Access): StatusError =>
  access === "all"
    ? new StatusError("NOT_FOUND", "there is no user with this id", { reason: "USER_NOT_FOUND" })
    : notAllowed();

export const notAllowed = (): StatusError =>
  new StatusError("PERMISSION_DENIED", "this is not yours to see or change", { reason: "NOT_ALLOWED" });

export const notActive = (state: string): StatusError =>
  new StatusError("FAILED_PRECONDITION", `the user is ${state}`, { reason: "USER_NOT_ACTIVE" });

export const lastAdmin = (): StatusError =>
  new StatusError("FAILED_PRECONDITION", "no other admin is active", { reason: "LAST_ADMIN" });

export const emailTaken = (): StatusError =>
  new StatusError("ALREADY_EXISTS", "this email already has an account", { reason: "EMAIL_TAKEN" });

/** One answer for an unknown email and for a wrong password: which of them it was is nobody's business. */
export const wrongCredentials = (): StatusError =>
  new StatusError("UNAUTHENTICATED", "email and password do not match", { reason: "WRONG_CREDENTIALS" });

export const invalidField = (field: string, description: string, reason = "FIELD_INVALID"): StatusError =>
  new StatusError("INVALID_ARGUMENT", `${field} ${description}`, { reason, violations: [{ field, description }] });
