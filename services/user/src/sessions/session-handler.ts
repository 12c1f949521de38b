import { durationFromMs } from "@bufbuild/protobuf/wkt";
import * as userv1 from "@tenon/contracts/user/v1";
import type { Once } from "@tenon/database";
import type { Handlers } from "@tenon/grpc";
import type { Kysely } from "kysely";
import { callingUser } from "../calling-user.ts";
import type { CredentialsService } from "../passwords/credentials-service.ts";
import type { UserTables } from "../user-tables.ts";
import type { AccessTokens } from "./access-tokens.ts";
import type { Grant, SessionService } from "./session-service.ts";

export interface SessionHandlerOptions {
  db: Kysely<UserTables>;
  /** The rules, on a database or a transaction. */
  sessions: (db: Kysely<UserTables>) => SessionService;
  credentials: CredentialsService;
  tokens: AccessTokens;
  once: Once<UserTables>;
}

/** SessionService on the wire. Tokens are never stored, so what repeats is derived anew, not read from a record. */
export function createSessionHandler(options: SessionHandlerOptions): Handlers<typeof userv1.SessionService> {
  const { db, sessions, credentials, tokens, once } = options;

  const toWireGrant = async (grant: Grant) => ({
    sessionId: grant.sessionId,
    accessToken: await tokens.sign(grant),
    refreshToken: grant.refreshToken,
    tokenType: "Bearer",
    expiresIn: durationFromMs(tokens.lifetimeSeconds * 1000),
  });

  return {
    async createSession(request, call) {
      const proved = await credentials.prove(request, call.signal);
      return toWireGrant(await sessions(db).startSession(proved));
    },

    async refreshSession({ refreshToken }, call) {
      const grant = await sessions(db).refreshSession(refreshToken);
      if (grant.repeated) call.trailers.set("idempotent-replayed", "true");
      return toWireGrant(grant);
    },

    deleteSession: (request, call) =>
      once(call, request, userv1.DeleteSessionResponseSchema, async (tx) => {
        await sessions(tx).endSession(request.sessionId, callingUser(call).id);
        return {};
      }),
  };
}
