import type { Call } from "@tenon/grpc";
import { principalOf, type UserPrincipal } from "@tenon/interceptors";
import type { Access } from "./user.ts";
import { notAllowed } from "./user-errors.ts";

/** Whose accounts this caller reaches. Services are let in by name, by the contract, and then reach all. */
export function accessOf(call: Call): Access {
  const principal = principalOf(call);
  if (principal.kind === "anonymous") throw notAllowed();
  if (principal.kind === "service" || principal.role === "admin") return "all";
  return { ownerId: principal.id };
}

/** The user who calls; PERMISSION_DENIED where it is not one. */
export function callingUser(call: Call): UserPrincipal {
  const principal = principalOf(call);
  if (principal.kind !== "user") throw notAllowed();
  return principal;
}
