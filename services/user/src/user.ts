/** A person with an account. */
export interface User {
  readonly id: string;
  /** As its owner wrote it; two that differ in case only are the same. Null once DELETED. */
  readonly email: string | null;
  /** Null once DELETED. */
  readonly displayName: string | null;
  readonly role: Role;
  readonly state: UserState;
  /** Counts changes, from 1. */
  readonly version: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type Role = "USER" | "ADMIN";

/** BLOCKED may not log in. DELETED is final: the personal data is gone, the id stays. */
export type UserState = "ACTIVE" | "BLOCKED" | "DELETED";

/** Whose accounts a caller reaches: everybody's, or a user's own. */
export type Access = "all" | { readonly ownerId: string };

/** Names a version of a user to the outside. */
export const toEtag = (user: Pick<User, "version">): string => String(user.version);

/** Whether an update that carries this etag may change this version; without one, or with `*`, it may change any. */
export const matchesEtag = (user: Pick<User, "version">, etag: string): boolean =>
  etag === "" || etag === "*" || etag === toEtag(user);

const LOCAL_PART = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}$/;
const LABEL = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i;

/** Whether a text is an address that mail may reach: ASCII only, at most 254 characters, nothing quoted (RFC 5321). */
export function isEmail(text: string): boolean {
  const at = text.lastIndexOf("@");
  if (at < 0 || text.length > 254 || !LOCAL_PART.test(text.slice(0, at))) return false;
  return text
    .slice(at + 1)
    .split(".")
    .every((label) => LABEL.test(label));
}

/** Whether a text can be shown as a name: 1 to 100 characters, not all of them blank, no control characters. */
export const isDisplayName = (text: string): boolean =>
  text.trim() !== "" && [...text].length <= 100 && !/\p{Cc}/u.test(text);
