import { type Call, createContextKey } from "@tenon/grpc";

/** Who calls: a person by an access token, one of our services by its own token, or nobody that we know. */
export type Principal = UserPrincipal | ServicePrincipal | AnonymousPrincipal;

export interface UserPrincipal {
  readonly kind: "user";
  readonly id: string;
  readonly role: "user" | "admin";
  readonly sessionId: string;
}

export interface ServicePrincipal {
  readonly kind: "service";
  /** As in access rules: `order`, not `service:order`. */
  readonly name: string;
}

export interface AnonymousPrincipal {
  readonly kind: "anonymous";
}

export const ANONYMOUS: AnonymousPrincipal = Object.freeze({ kind: "anonymous" });

/** Where `auth` leaves the caller. */
export const principalKey = createContextKey<Principal>("principal", ANONYMOUS);

/** Who made this call, as `auth` found; anonymous where it did not run. */
export const principalOf = (call: Pick<Call, "values">): Principal => call.values.get(principalKey);
