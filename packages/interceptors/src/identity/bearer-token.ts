import type { Metadata } from "@tenon/grpc";
import { invalidToken } from "./token-verifier.ts";

/** Longer authorizations are refused unread. */
const MAX_AUTHORIZATION_LENGTH = 8192;

/** Three parts of base64url; the last may be empty, as in tokens without a signature, which verification refuses. */
const BEARER = /^bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i;

/** The token of `authorization: Bearer <token>` (RFC 6750); undefined if there is none. Throws UNAUTHENTICATED TOKEN_INVALID. */
export function bearerToken(metadata: Metadata): string | undefined {
  const values = metadata.get("authorization");
  if (values.length === 0) return undefined;
  // Of several, whoever checks one and whoever uses another would disagree about the caller.
  if (values.length > 1) throw invalidToken("more than one authorization");
  const [value] = values;
  if (typeof value !== "string" || value.length > MAX_AUTHORIZATION_LENGTH)
    throw invalidToken("authorization too long");
  const token = BEARER.exec(value)?.[1];
  if (token === undefined) throw invalidToken("authorization is no bearer token");
  return token;
}
