import * as userv1 from "@tenon/contracts/user/v1";
import { StatusError } from "@tenon/errors";
import type { Client } from "@tenon/grpc";
import type { Users } from "./users.ts";

export interface GrpcUsersOptions {
  client: Pick<Client<typeof userv1.UserService>, "getUser">;
  /** For one call; by default 3 s. */
  timeoutMs?: number;
}

/** Users as the user service knows them. */
export function createGrpcUsers({ client, timeoutMs = 3000 }: GrpcUsersOptions): Users {
  return {
    async isActive(userId, signal) {
      try {
        const { user } = await client.getUser({ userId }, { signal, timeoutMs });
        return user?.state === userv1.UserState.ACTIVE;
      } catch (error) {
        if (error instanceof StatusError && error.reason === "USER_NOT_FOUND") return false;
        throw error;
      }
    },
  };
}
