import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as userv1 from "@tenon/contracts/user/v1";
import { type Role, toEtag, type User, type UserState } from "./user.ts";

const ROLES: Record<Role, userv1.Role> = { USER: userv1.Role.USER, ADMIN: userv1.Role.ADMIN };

const STATES: Record<UserState, userv1.UserState> = {
  ACTIVE: userv1.UserState.ACTIVE,
  BLOCKED: userv1.UserState.BLOCKED,
  DELETED: userv1.UserState.DELETED,
};

/** A user as callers see one. */
export const toWireUser = (user: User): MessageInitShape<typeof userv1.UserSchema> => ({
  id: user.id,
  email: user.email ?? "",
  displayName: user.displayName ?? "",
  role: ROLES[user.role],
  state: STATES[user.state],
  createTime: timestampFromDate(user.createdAt),
  updateTime: timestampFromDate(user.updatedAt),
  etag: toEtag(user),
});

/** The state that a filter names; undefined for every state. */
export const fromWireState = (state: userv1.UserState): UserState | undefined =>
  (Object.keys(STATES) as UserState[]).find((name) => STATES[name] === state);
