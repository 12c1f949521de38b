import { randomUUID } from "node:crypto";
import * as userv1 from "@tenon/contracts/user/v1";
import { type CallOptions, createClient, createMetadata } from "@tenon/grpc";
import type { InsistentCaller } from "./insistent-caller.ts";

/** Call options with the token of somebody; obtained anew when one has expired. */
export type Credentials = () => Promise<CallOptions>;

export interface Account {
  readonly userId: string;
  readonly credentials: Credentials;
}

export interface ChaosAccounts {
  readonly asAdmin: Credentials;
  /** Somebody new. */
  signUp(caller: InsistentCaller): Promise<Account>;
  /** Has an admin block him; resolves once it is done. */
  block(caller: InsistentCaller, account: Account): Promise<void>;
}

/** Of one call. */
const ATTEMPT_MS = 3000;
/** Well below the lifetime of an access token. */
const LOGIN_AGE_MS = 600_000;

export function createChaosAccounts(target: string, admin: { email: string; password: string }): ChaosAccounts {
  const users = createClient(userv1.UserService, { target });
  const sessions = createClient(userv1.SessionService, { target });

  function loginOf(account: { email: string; password: string }): Credentials {
    let session: { accessToken: string; at: number } | undefined;
    return async () => {
      if (session === undefined || Date.now() - session.at > LOGIN_AGE_MS) {
        const { accessToken } = await sessions.createSession(account, { timeoutMs: 20_000 });
        session = { accessToken, at: Date.now() };
      }
      return { metadata: createMetadata({ authorization: `Bearer ${session.accessToken}` }), timeoutMs: ATTEMPT_MS };
    };
  }
  const asAdmin = loginOf(admin);

  return {
    asAdmin,
    async signUp(caller) {
      const account = { email: `${randomUUID()}@chaos.example`, password: randomUUID() };
      const request = { requestId: randomUUID(), displayName: "Customer", ...account };
      const { user } = await caller.ask("CreateUser", request.requestId, userv1.CreateUserResponseSchema, () =>
        users.createUser(request, { timeoutMs: 20_000 }),
      );
      if (!user) throw new Error("an account was answered without itself");
      return { userId: user.id, credentials: loginOf(account) };
    },
    async block(caller, { userId }) {
      const request = { requestId: randomUUID(), userId };
      const attempt = async () => users.blockUser(request, await asAdmin());
      await caller.ask("BlockUser", request.requestId, userv1.BlockUserResponseSchema, attempt);
    },
  };
}
