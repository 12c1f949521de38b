import * as userv1 from "@tenon/contracts/user/v1";
import type { Once, Paging } from "@tenon/database";
import type { Handlers } from "@tenon/grpc";
import type { Kysely } from "kysely";
import { accessOf, callingUser } from "./calling-user.ts";
import type { CredentialsService } from "./passwords/credentials-service.ts";
import type { UserService } from "./user-service.ts";
import type { UserTables } from "./user-tables.ts";
import { fromWireState, toWireUser } from "./user-wire.ts";

export interface UserHandlerOptions {
  db: Kysely<UserTables>;
  /** The rules, on a database or a transaction. */
  users: (db: Kysely<UserTables>) => UserService;
  credentials: CredentialsService;
  once: Once<UserTables>;
  paging: Paging;
}

/** UserService on the wire. Passwords are hashed before the transaction: a repetition costs a hash, but no connection waits. */
export const createUserHandler = ({
  db,
  users,
  credentials,
  once,
  paging,
}: UserHandlerOptions): Handlers<typeof userv1.UserService> => ({
  async createUser(request, call) {
    const prepared = await credentials.prepareUser(request, call.signal);
    return once(call, request, userv1.CreateUserResponseSchema, async (tx) => ({
      user: toWireUser(await users(tx).createUser(prepared)),
    }));
  },

  getUser: async ({ userId }, call) => ({ user: toWireUser(await users(db).getUser(userId, accessOf(call))) }),

  async getMe(_request, call) {
    const { id } = callingUser(call);
    return { user: toWireUser(await users(db).getUser(id, { ownerId: id })) };
  },

  async listUsers(request) {
    const filter = { state: fromWireState(request.state) };
    const paged = await users(db).listUsers(filter, paging.toPage(request, filter));
    return { users: paged.items.map(toWireUser), nextPageToken: paging.toToken(paged, filter) };
  },

  updateUser: (request, call) =>
    once(call, request, userv1.UpdateUserResponseSchema, async (tx) => {
      const { id = "", etag = "", email = "", displayName = "" } = request.user ?? {};
      const paths = request.updateMask?.paths ?? [];
      const update = { userId: id, access: accessOf(call), etag, paths, values: { email, displayName } };
      return { user: toWireUser(await users(tx).updateUser(update)) };
    }),

  async changePassword(request, call) {
    const { id, sessionId } = callingUser(call);
    const { userId, oldPassword, newPassword } = request;
    const who = { userId, access: { ownerId: id } };
    const change = await credentials.prepareChange({ ...who, oldPassword, newPassword }, call.signal);
    return once(call, request, userv1.ChangePasswordResponseSchema, async (tx) => {
      await users(tx).changePassword({ ...who, sessionId, ...change });
      return {};
    });
  },

  deleteUser: (request, call) =>
    once(call, request, userv1.DeleteUserResponseSchema, async (tx) => {
      await users(tx).deleteUser(request.userId, accessOf(call));
      return {};
    }),

  blockUser: (request, call) =>
    once(call, request, userv1.BlockUserResponseSchema, async (tx) => ({
      user: toWireUser(await users(tx).blockUser(request.userId)),
    })),

  unblockUser: (request, call) =>
    once(call, request, userv1.UnblockUserResponseSchema, async (tx) => ({
      user: toWireUser(await users(tx).unblockUser(request.userId)),
    })),
});
