import * as userv1 from "@tenon/contracts/user/v1";
import { type NewEvent, toEvent } from "@tenon/events";
import type { User } from "./user.ts";
import { toWireUser } from "./user-wire.ts";

/** What others are told of a version of a user: nothing personal. */
export const toUserEvent = (user: User): NewEvent =>
  toEvent(
    userv1.UserEventSchema,
    { aggregateId: user.id, version: user.version, at: user.updatedAt },
    { user: toWireUser(user) },
  );
