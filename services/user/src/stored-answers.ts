import { create, toBinary } from "@bufbuild/protobuf";
import * as userv1 from "@tenon/contracts/user/v1";
import { type Kysely, sql } from "kysely";
import type { StoredAnswers } from "./user-service.ts";
import type { UserTables } from "./user-tables.ts";
import { toWireUser } from "./user-wire.ts";

/** Every response that shows a user does so in field 1, so that the bytes of one are those of all. */
const SHOWS_USER = [
  userv1.CreateUserResponseSchema,
  userv1.UpdateUserResponseSchema,
  userv1.BlockUserResponseSchema,
  userv1.UnblockUserResponseSchema,
];
const METHODS = userv1.UserService.methods
  .filter(({ output }) => SHOWS_USER.some(({ typeName }) => typeName === output.typeName))
  .map(({ name }) => `/${userv1.UserService.typeName}/${name}`);

/** The answers that `once` keeps in the service's database. */
export const createStoredAnswers = (db: Kysely<UserTables>): StoredAnswers => ({
  /**
   * Rewrites them, and does not remove them: the repetition of a sign-up would else make a new account. The user is found
   * by his id within the bytes; that reads the whole table, which holds a day, for a thing that is done once in a life.
   */
  async showDeleted(user) {
    const response = toBinary(
      userv1.CreateUserResponseSchema,
      create(userv1.CreateUserResponseSchema, { user: toWireUser(user) }),
    );
    await sql`
      update idempotency set response = ${Buffer.from(response)}
      where method = any(${METHODS}) and position(${Buffer.from(user.id)}::bytea in response) > 0`.execute(db);
  },
});
